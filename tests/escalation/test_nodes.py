"""Two readers of YAML, one result: whatever libyaml reads is what ruamel.yaml, the reader of YAML 1.2, reads."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation import nodes

ROOT = Path(__file__).parents[2]
FOLDERS = ("playbooks", "escalation", "bot", "tests", "docs")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.yaml"))

pytestmark = pytest.mark.skipif(nodes.CParser is None, reason="PyYAML was built without libyaml")


def outcome(read: Callable[[str], nodes.Node | None], text: str) -> Any:
    try:
        return read(text)
    except nodes.NotYaml as error:
        return (error.line, error.column, error.problem)


def assert_alike(text: str) -> None:
    assert outcome(nodes.compose, text) == outcome(nodes._by_the_book, text)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_of_ours_is_read_alike(file: Path) -> None:
    assert_alike(file.read_text(encoding="utf-8"))


def test_there_are_files_to_compare() -> None:
    assert len(FILES) > 80


#: Each is read otherwise by libyaml left alone.
UNLIKE = {
    "a tab as a space": "a:\tb",
    "a tab before a comment": "a: b\t# c",
    "a tab in a folded line": "a: x\n \ty",
    "a separator of lines": "a: 'x\u2028y'\n",
    "a separator of paragraphs": "a: 'x\u2029y'\n",
    "a next line": "a: x\x85  y",
    "a mark of the byte order": "a: \ufeff",
    "half a character": "a: \ud800",
    "nothing in braces": "{a: }",
    "a tag of no kind": "a: !\nb: 1",
    "a name of YAML 1.1": "%YAML 1.1\n---\na: yes\n",
    "an unknown directive": "%FOO\n---\na",
    "a name that is not ASCII": "a: &é 1",
    "a colon in brackets": "a: [x:]",
    "a colon that begins a text": "{a: :x}",
    "a comment that is text": "|+\n#x\n",
    "a block after a blank": "a: |\n \n    x",
    "a block of blanks": "a: >\n\n  ",
    "a block with a remark after a blank": "a: >- # x\r\n  \r\n\r\n    x",
}


@pytest.mark.parametrize("text", UNLIKE.values(), ids=UNLIKE.keys())
def test_what_libyaml_reads_otherwise_is_left_to_the_other(text: str) -> None:
    assert_alike(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing\n", "---\n", "a: 1\n---\nb: 2\n", "a: &x 1\nb: *x\n", "a: *nowhere\n", "<<: {a: 1}\n", "!!int '5'", "a: !<int> 5",
        "a: ! 5", "a: !!bool yes", "a: [1, 2", "a: \x01", "{a?: b?c, d: http://e:80/?f}", "? a\n: b", "'a':b", "a: b: c",
        "a: \U0001f600 b: c", "a: |+\n  x\n\n\nb: >-\n  x\n  y\n", 'a: "\\u00e9\\x41\\\n  b"', "a: 1\r\nb: 2\rc: 3\r\n", "[" * 52 + "]" * 52,
        "- " * 53 + "x",
    ],
)  # fmt: skip
def test_other_corners_are_read_alike(text: str) -> None:
    assert_alike(text)


@pytest.mark.parametrize("depth", [0, 1, 49, 50, 51, 52])
def test_how_deep_it_is_changes_nothing(depth: int) -> None:
    assert_alike("{a: " * depth + "[b]" + "}" * depth)


@pytest.mark.parametrize("text", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000], ids=["brackets", "braces", "dashes"])
def test_a_text_that_is_only_depth_does_not_end_the_process(text: str) -> None:
    with pytest.raises(RecursionError):  # libyaml's own composer would overflow the stack
        nodes.compose(text)


WORDS = st.one_of(
    st.from_regex(r"[-+]?[0-9_.]{1,4}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"[-+]?0[box_][0-9a-fA-F_]{0,3}", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}[-:][0-9]{1,2}([-:T ][0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN|iNF)", fullmatch=True),
    st.sampled_from(
        [
            "true",
            "True",
            "TRUE",
            "tRUE",
            "false",
            "False",
            "FALSE",
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "null",
            "Null",
            "NULL",
            "nULL",
            "~",
            "<<",
            "=",
            "-",
            "+",
            ".",
            "_",
        ]
    ),
)


@given(WORDS)
def test_a_word_without_quotes_has_the_type_of_yaml_1_2(word: str) -> None:
    assert_alike(f"a: {word}")
    assert_alike(f"[{word}, '{word}']")


FRAGMENTS = [
    "a", "b: ", "- ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ", ", ",", ": ", ":", "'", '"', "# ", "#", "? ", "?", "| ", "|\n  ", ">-\n  ",
    "~", "1", "12:30", "0o17", "1e3", "true", "no", " ", "  ", "\r", "\r\n", "\\", "\\n", "\\x41", "\\\n", "...\n", "---\n", "%", "@", "`", "!", "&",
    "*", "<<: ", "=", "-", "é", "한", "\U0001f600", "\x7f", "\xa0", "\u3000", "\x0c", "\ufffe", "x" * 1030, "{{ a }}", "key: v\n", "key:\n", "- x\n",
    "'it''s'", "!!str ", "&x ", "*x", "|+\n", "|2\n", ">1-\n  ", "\t",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=16).map("".join))
def test_no_text_is_read_otherwise(text: str) -> None:
    assert_alike(text)


@given(st.randoms(use_true_random=False))
def test_no_slip_in_a_file_of_ours_is_read_otherwise(chance: random.Random) -> None:
    lines = chance.choice(FILES).read_text(encoding="utf-8").split("\n")
    begin = chance.randrange(len(lines))
    text = "\n".join(lines[begin : begin + chance.randint(1, 6)])
    for _ in range(chance.randint(0, 3)):
        left = chance.randint(0, len(text))
        text = text[:left] + chance.choice(["", *FRAGMENTS]) + text[left + chance.choice([0, 1, 5]) :]
    assert_alike(text)


@pytest.mark.parametrize("file", sorted((ROOT / "playbooks").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_shipped_playbooks_need_the_slow_reader_never(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Which of the two has read does not show in what was read: only that the slow one was not asked.
    monkeypatch.setattr(nodes, "_by_the_book", lambda _: pytest.fail("the slow reader was asked"))
    assert nodes.compose(file.read_text(encoding="utf-8"))


def test_without_libyaml_all_is_read_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    file = ROOT / "playbooks" / "restore-table.yaml"
    expected = nodes.compose(file.read_text(encoding="utf-8"))
    monkeypatch.setattr(nodes, "CParser", None)  # a machine that has none cannot be had here
    assert nodes.compose(file.read_text(encoding="utf-8")) == expected
