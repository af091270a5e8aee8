"""Tables as Markdown, CSV, LaTeX and HTML."""

import csv
import html
import io
import itertools
import re
from collections.abc import Sequence

from tabulate import LATEX_ESCAPE_RULES, tabulate

from instance_seg.report.layouts import OURS
from instance_seg.tables import Table, escape_markdown, markdown, one_line

LATEX_PREAMBLE = "% In the preamble: \\usepackage{booktabs,graphicx}\n"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 108rem; padding: 0 1.5rem; color: #1c1c1c }
h1 { font-size: 1.5rem } h2 { font-size: 1.25rem; margin-top: 2.5rem } h3 { font-size: 1.05rem; margin: 2rem 0 .5rem }
nav a { margin-right: 1.1rem; color: #1b5e9b; text-decoration: none } nav a:hover { text-decoration: underline }
.wide { overflow-x: auto } p.note { color: #555; font-size: .87rem; margin: .4rem 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .84rem }
th { border-bottom: 2px solid #333; text-align: right; padding: .25rem .45rem; white-space: nowrap }
td { border-bottom: 1px solid #e3e3e3; text-align: right; padding: .2rem .45rem; white-space: nowrap }
th.name, td.name { text-align: left } tr.first td { border-top: 2px solid #999 } td.again { color: #bbb }
tr.ours td { background: #fff6dc; font-weight: 600 } tr:hover td { background: #eef3f9 }
th.group, td.group { border-left: 1px solid #999; padding-left: .8rem }
td.up { color: #1a7f37 } td.down { color: #b3261e } td.none { color: #999 }
""".strip()
_DIFFERENCE = re.compile(r"[+-](?!0\.0)\d+\.\d( ± \d+\.\d)?")  # that is not nothing


def to_markdown(table: Table) -> str:
    """Heading, table and notes."""
    notes = "".join(f"\n\n{escape_markdown(note)}" for note in table.notes)
    heading = escape_markdown(f"{table.name}: {table.title}")
    return f"### {heading}\n\n{markdown(table.headers, table.rows, table.num_names)}{notes}"


def to_csv(table: Table) -> str:
    """Headings and rows; a heading that occurs more than once says which measure it belongs to."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_distinct(table.headers))
    writer.writerows(table.rows)
    return stream.getvalue()


def to_latex(table: Table) -> str:
    """A floating table of the text's width, for booktabs; its notes are the end of the caption."""
    align = ["left" if column < table.num_names else "right" for column in range(len(table.headers))]
    headers, rows = [one_line(h) for h in table.headers], [[one_line(cell) for cell in row] for row in table.rows]
    body = tabulate(rows, headers, tablefmt="latex_booktabs", disable_numparse=True, colalign=align)
    caption = one_line(" ".join([f"{table.title}.", *table.notes])).translate(str.maketrans(LATEX_ESCAPE_RULES))
    text = (
        f"\\begin{{table*}}\n\\centering\n\\caption{{{caption}}} % {table.name}\n"
        f"\\resizebox{{\\textwidth}}{{!}}{{%\n{body}}}\n\\end{{table*}}\n"
    )
    return text.replace("±", "$\\pm$").replace("†", "$^\\dagger$")


def to_html(table: Table, anchor: str = "") -> str:
    """A section; differences are green or red, our rows tinted; rules part measures and blocks of equal first names.

    Args:
      table: what is shown.
      anchor: id of the heading, for links.
    """
    figures = [*table.headers[table.num_names :], ""]  # a group: a measure whose neighbors repeat for every measure
    starts = [figures.count(h) == 1 and figures.count(after) > 1 for h, after in itertools.pairwise(figures)]
    kinds = ["name"] * table.num_names + ["group" if start else "" for start in starts]
    heads = "".join(_element("th", cell, kind) for cell, kind in zip(table.headers, kinds))
    rows, blocks = [], all(len(list(block)) > 1 for _, block in itertools.groupby(row[0] for row in table.rows))
    for above, row in zip([None, *table.rows], table.rows):
        repeated = blocks and above is not None and above[0] == row[0]
        first = blocks and above is not None and not repeated
        classes = " ".join(["first"] * first + ["ours"] * (OURS in row[: table.num_names]))
        cells = [_element("td", cell, _kinds(cell, kind)) for cell, kind in zip(row, kinds)]
        cells[0] = _element("td", row[0], "name again") if repeated else cells[0]
        rows.append(_element("tr", "".join(cells), classes, escape=False))
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in table.notes)
    inner = f"<thead><tr>{heads}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody>"
    title = html.escape(f"{table.name}: {table.title}")
    heading = f'<h3 id="{html.escape(anchor)}">{title}</h3>' if anchor else f"<h3>{title}</h3>"
    return f'{heading}\n<div class="wide"><table>{inner}</table></div>\n{notes}'


def html_page(title: str, body: str) -> str:
    """A page that needs no other file."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{html.escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _kinds(text: str, kind: str) -> str:
    """The classes of a cell: what its column is, and what its figure says."""
    if kind != "name" and _DIFFERENCE.fullmatch(text):
        return f"{kind} {'down' if text.startswith('-') else 'up'}".strip()
    return f"{kind} none".strip() if kind != "name" and text in ("-", "not run") else kind


def _element(tag: str, text: str, classes: str, escape: bool = True) -> str:
    attribute = f' class="{classes}"' if classes else ""
    return f"<{tag}{attribute}>{html.escape(text) if escape else text}</{tag}>"


def _distinct(headers: Sequence[str]) -> list[str]:
    names, last = [], ""
    for header in headers:
        repeated = headers.count(header) > 1
        names.append(f"{last} {header}" if repeated else header)
        last = last if repeated else header
    return names
