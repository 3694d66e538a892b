"""A YAML file keeps its places, and what pydantic refuses is told in words that can be translated."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from bot.language import Words
from escalation.document import Document, read_text
from escalation.errors import BadFile, BadFiles
from escalation.phrase import Phrase, phrase
from escalation.refusal import shown

FILE = Path("some.yaml")


def document(text: str) -> Document:
    return read_text(text, FILE)


def test_values_are_those_of_yaml_1_2() -> None:
    text = "{at: 22:00, answer: no, day: 2026-01-05, mode: 0o17, number: 12, half: 0.5, yes: true, none: null, quoted: '5'}"
    assert document(text).values == {
        "at": "22:00", "answer": "no", "day": "2026-01-05", "mode": 15, "number": 12, "half": 0.5, "yes": True,
        "none": None, "quoted": "5",
    }  # fmt: skip


def test_an_anchor_that_is_used_again_is_allowed() -> None:
    assert document("a: &x 1\nb: &x 2\nc: *x\n").values == {"a": 1, "b": 2, "c": 2}


def test_every_value_and_key_remembers_its_line_and_column() -> None:
    found = document("steps:\n  - id: one\n    with: {table: orders}\n")
    assert found.place(("steps", 0, "id")) == (2, 9)
    assert found.keys["steps", 0, "with", "table"] == (3, 12)
    assert found.place(("steps", 0, "with", "table")) == (3, 19)


def test_what_is_not_in_the_file_stands_where_it_would_be() -> None:
    assert document("steps:\n  - id: one\n").place(("steps", 0, "with", "table")) == (2, 5)
    assert document("").place(("steps",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: [1, 2", 1, 9, "is not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, 1, "is not valid YAML"),
        ("a: 1\na: 2\n", 2, 1, "is given twice"),
        ("? [a, b]\n: 1\n", 1, 3, "a key must be plain text"),
        ("a: *nowhere\n", 1, 4, "is not valid YAML"),
        ("a: 1\nb: !!int five\n", 2, 4, "b: 'five' is not what its type says. Put it in quotes."),
        ("a: !!bool maybe\n", 1, 4, "is not what its type says"),
        ("a: " + "9" * 5000, 1, 4, "is not what its type says"),
        ("a: &again [*again]\n", 1, 1, "has an anchor"),
        ("[" * 600, 1, 1, "is nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        document(text)
    assert (caught.value.line, caught.value.column) == (line, column)


FRAGMENTS = [
    "a",
    "b: ",
    "- ",
    "\n",
    "\n  ",
    "{",
    "}",
    "[",
    "]",
    "&x ",
    "*x",
    "!!int ",
    "'",
    '"',
    "# ",
    "? ",
    "| ",
    "~",
    "1",
    "\t",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)))
def test_no_text_makes_the_reader_fail_in_another_way(text: str) -> None:
    with suppress(BadFile):
        document(text)


def test_problems_are_listed_as_phrases_so_that_each_can_be_translated() -> None:
    one, two = (BadFile(FILE, line, 1, "a", phrase("is {how}.", how="wrong")) for line in (1, 2))
    error = BadFiles([one, two])
    assert str(error) == "Problems found: 2\nsome.yaml:1:1: a: is wrong.\nsome.yaml:2:1: a: is wrong."
    assert list(error.phrase.fields["listing"].fields.values()) == [one, two]
    assert Words("en").phrase(error) == str(error)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: int


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = ""
    number: Annotated[int, Field(strict=True)] = 0
    ratio: float = 0
    flag: bool = False
    some: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    two: Annotated[tuple[int, ...], Field(min_length=2)] = (1, 2)
    table: dict[str, int] = {}
    inner: Inner = Inner(x=1)
    kind: Literal["one", "two", "three"] = "one"
    code: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    short: Annotated[str, Field(min_length=2, max_length=3)] = "ab"
    low: Annotated[int, Field(ge=1, le=9)] = 1
    open: Annotated[float, Field(gt=0, lt=1)] = 0.5
    length: timedelta = timedelta()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text: 5", "1:7: text: must be text. Put it in quotes."),
        ("number: '5'", "1:9: number: must be a whole number."),
        ("low: 1.5", "1:6: low: must be a whole number."),
        ("low: one", "1:6: low: must be a whole number."),
        ("ratio: half", "1:8: ratio: must be a number."),
        ("ratio: []", "1:8: ratio: must be a number."),
        ("flag: maybe", "1:7: flag: must be true or false."),
        ("flag: []", "1:7: flag: must be true or false."),
        ("some: 1", "1:7: some: must be a list. Begin each entry with a dash: - entry."),
        ("some: []", "1:7: some: must not be empty."),
        ("some: [1, 2, 3]", "1:7: some: has too many entries: 2 are the most."),
        ("two: 1", "1:6: two: must be a list. Begin each entry with a dash: - entry."),
        ("two: [1]", "1:6: two: has too few entries: 2 are the least."),
        ("two: [1, one]", "1:10: two[1]: must be a whole number."),
        ("table: 1", "1:8: table: must be a mapping of names to values. Write lines of the form name: value."),
        ("inner: 1", "1:8: inner: must be a mapping of names to values. Write lines of the form name: value."),
        ("inner: {}", "1:8: inner: x is missing."),
        ("inner: {x: 1, y: 2}", "1:15: inner.y: unknown field. Remove it, or correct its spelling."),
        ("kind: four", "1:7: kind: 'four' is not a choice here. Choose: one, two, three."),
        ("code: A1", "1:7: code: 'A1' does not have the right form. It must match ^[a-z]+$."),
        ("short: a", "1:8: short: is too short: 2 characters are the least."),
        ("short: abcd", "1:8: short: is too long: 3 characters are the most."),
        ("low: 0", "1:6: low: 0 is too small: 1 is the least."),
        ("low: 10", "1:6: low: 10 is too big: 9 is the most."),
        ("open: 0", "1:7: open: 0 is too small: it must be more than 0.0."),
        ("open: 1", "1:7: open: 1 is too big: it must be less than 1.0."),
    ],
)
def test_what_pydantic_refuses_is_told_in_our_words(text: str, expected: str) -> None:
    with pytest.raises(BadFiles) as caught:
        document(text).parse(Everything)
    (problem,) = caught.value.problems
    assert str(problem) == f"some.yaml:{expected}"
    assert isinstance(problem.what, Phrase), "a plain string cannot be translated"


def test_a_refusal_that_has_no_words_of_ours_keeps_pydantic_s() -> None:
    with pytest.raises(BadFiles, match=r"some.yaml:1:9: length: Input should be a valid timedelta"):
        document("length: soon").parse(Everything)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadFiles) as caught:
        document("text: 5\nflag: maybe\nkind: four\n").parse(Everything)
    assert [one.line for one in caught.value.problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "'a'"), ("x" * 58, "'" + "x" * 58 + "'"), ("x" * 59, "'" + "x" * 56 + "…")]
)
def test_a_value_in_a_message_is_never_longer_than_a_line(value: Any, text: str) -> None:
    assert shown(value) == text
