"""Tables as Markdown, CSV, LaTeX and HTML."""

import csv
import html
import io
import re
from collections.abc import Sequence

from tabulate import tabulate

from instance_seg.report.table import Table, markdown

LATEX_PREAMBLE = "% In the preamble: \\usepackage{booktabs,graphicx}\n"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 100rem; padding: 0 1.5rem; color: #1c1c1c }
h1 { font-size: 1.5rem } h2 { font-size: 1.25rem; margin-top: 2.5rem } h3 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.wide { overflow-x: auto } p.note { color: #555; font-size: .87rem; margin: .4rem 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem }
th { border-bottom: 2px solid #333; text-align: right; padding: .25rem .55rem; white-space: nowrap }
td { border-bottom: 1px solid #e3e3e3; text-align: right; padding: .2rem .55rem; white-space: nowrap }
th.name, td.name { text-align: left } tr:hover td { background: #f3f6fa } tr.first td { border-top: 2px solid #999 }
td.up { color: #1a7f37 } td.down { color: #b3261e } td.none { color: #999 }
""".strip()
_DIFFERENCE = re.compile(r"[+-]\d+\.\d")


def to_markdown(table: Table) -> str:
    """Heading, table and notes."""
    notes = "".join(f"\n\n{note}" for note in table.notes)
    return f"### {table.name}: {table.title}\n\n{markdown(table.headers, table.rows, table.num_names)}{notes}"


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
    body = tabulate(table.rows, table.headers, tablefmt="latex_booktabs", disable_numparse=True, colalign=align)
    caption = re.sub(r"([_%&#$])", r"\\\1", " ".join([f"{table.title}.", *table.notes]))
    text = (
        f"\\begin{{table*}}\n\\centering\n\\caption{{{caption}}} % {table.name}\n"
        f"\\resizebox{{\\textwidth}}{{!}}{{%\n{body}}}\n\\end{{table*}}\n"
    )
    return text.replace("±", "$\\pm$").replace("†", "$^\\dagger$")


def to_html(table: Table) -> str:
    """A section; differences are green or red, a rule stands above every block of equal first names."""
    heads = "".join(_cell("th", cell, i < table.num_names) for i, cell in enumerate(table.headers))
    rows, blocks = [], table.num_names > 1 and any(a[0] == b[0] for a, b in zip(table.rows, table.rows[1:]))
    for above, row in zip([None, *table.rows], table.rows):
        first = ' class="first"' if blocks and above is not None and above[0] != row[0] else ""
        cells = "".join(_cell("td", cell, i < table.num_names) for i, cell in enumerate(row))
        rows.append(f"<tr{first}>{cells}</tr>")
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in table.notes)
    title = html.escape(f"{table.name}: {table.title}")
    inner = f"<thead><tr>{heads}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody>"
    return f'<h3>{title}</h3>\n<div class="wide"><table>{inner}</table></div>\n{notes}'


def html_page(title: str, body: str) -> str:
    """A page that needs no other file."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{html.escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _cell(tag: str, text: str, is_name: bool) -> str:
    kind = "name" if is_name else ""
    if not is_name and _DIFFERENCE.fullmatch(text):
        kind = "down" if text.startswith("-") else "up"
    elif not is_name and text in ("-", "not run"):
        kind = "none"
    attribute = f' class="{kind}"' if kind else ""
    return f"<{tag}{attribute}>{html.escape(text)}</{tag}>"


def _distinct(headers: Sequence[str]) -> list[str]:
    names, last = [], ""
    for header in headers:
        repeated = headers.count(header) > 1
        names.append(f"{last} {header}" if repeated else header)
        last = last if repeated else header
    return names
