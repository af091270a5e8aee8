"""YAML files of settings that are damaged, hostile or odd: one line that names the file."""

import pytest

from instance_seg.presets import load_config
from instance_seg.settings_file import MAX_BYTES, read_settings_file

BILLION = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi")
)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BILLION, "line 2: found the alias \\*a"),
        ("depth: &d 5\nfull_depth: *d\n", "line 2: found the alias \\*d"),
        ("<<: *a", "line 1: found the alias"),
        ("channels: " + "[" * 1000, "line 1: found deep nesting"),
        ("a:\n" + "".join(" " * k + "a:\n" for k in range(1, 1000)), "found deep nesting"),
        ("- " * 1000, "found deep nesting"),
        ("depth: !!python/object/apply:os.getcwd []", "found the tag"),
        ("depth: !!int abc", "found the tag"),
        ("!!set {depth}", "found the tag"),
        ("depth: 4\ndepth: 5\n", "line 2: found the key 'depth' a second time"),
        ("1: 2", "line 1: found the key '1', which is not the name"),
        ("null: 2", "found the key 'null'"),
        ("true: 2", "found the key 'true'"),
        ("[depth]: 2", "found the key"),
        ("? {a: 1}\n: 2", "found the key"),
        ("a: [", "not valid YAML for settings: line 1"),
        ("a: b: c", "not valid YAML"),
        ("a: 1\n--- \nb: 2\n", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("when: 2020-99-99", "a value cannot be read"),
        ("depth: " + "9" * 5000, "a value cannot be read"),
        (b"\xff\xfed\x00", "not UTF-8 text"),
        (b"category: Ch\xe4ir", "not UTF-8 text"),
        (b" " * (MAX_BYTES + 1), "more than 1,048,576 bytes"),
        ("7", "want a mapping of settings to values, found int"),
        ("text", "found str"),
        ("- 3", "found list"),
    ],
    ids=range(27),
)
def test_one_line_with_the_file(tmp_path, content, message):
    path = write(tmp_path / "mine.yaml", content)
    with pytest.raises(ValueError, match=message) as error:
        read_settings_file(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 250


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "null\n"])
def test_nothing_is_no_settings(tmp_path, content):
    assert read_settings_file(write(tmp_path / "mine.yaml", content)) == {}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read_settings_file(write(tmp_path / "mine.yaml", b"\xef\xbb\xbfdepth: 5\n")) == {"depth": 5}


def test_lists_of_values_are_settings(tmp_path):
    text = "channels: [8, 16]\ndecay_at:\n  - 0.5\n  - 1e-1\n"
    found = read_settings_file(write(tmp_path / "mine.yaml", text))
    assert found == {"channels": [8, 16], "decay_at": [0.5, "1e-1"]}  # the rest is for the type of the setting


@pytest.mark.parametrize("base", ["[demo]", "7", "{a: 1}", "null", "true", "1.5"])
def test_a_base_is_a_name(tmp_path, base):
    path = write(tmp_path / "mine.yaml", f"base: {base}\n")
    with pytest.raises(ValueError, match="mine.yaml: base=.*: want the name of one file"):
        load_config(str(path))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_bases_that_lead_back(tmp_path, length):
    paths = [tmp_path / f"{k}.yaml" for k in range(length)]
    for path, base in zip(paths, [*paths[1:], paths[0]]):
        write(path, f"base: {base}\n")
    with pytest.raises(ValueError, match="0.yaml: the chain of its bases leads back to it") as error:
        load_config(str(paths[0]))
    assert "\n" not in str(error.value)


def test_a_long_chain_of_bases_is_a_chain(tmp_path):
    paths = [tmp_path / f"{k}.yaml" for k in range(1500)]
    for k, (path, base) in enumerate(zip(paths, paths[1:])):
        write(path, f"base: {base}\nmax_iter: {k + 1}\n")
    write(paths[-1], "depth: 5\n")
    config = load_config(str(paths[0]))
    assert (config.schedule.max_iter, config.network.backbone_settings.depth) == (1, 5)


def test_an_unknown_base_names_the_file_it_stands_in(tmp_path):
    path = write(tmp_path / "mine.yaml", "base: dmeo\n")
    with pytest.raises(ValueError, match="mine.yaml: base: .*dmeo.*did you mean 'demo'"):
        load_config(str(path))
