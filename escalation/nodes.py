"""Compose a YAML 1.2 text into nodes that know their places.

ruamel.yaml is the reader of YAML 1.2 that everything here is held to, and it is slow: 13 ms for a playbook. libyaml takes
half a millisecond, but is a reader of YAML 1.1. So libyaml reads what both surely read alike, with the types of YAML 1.2 given
here; whatever it refuses, or might read otherwise, is ruamel.yaml's to read or to refuse. Without libyaml it reads all.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from yaml import YAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built where libyaml is missing
    CParser = None

# To libyaml a tab is a space where it must not be one; the other characters end a line, or cannot be encoded. ruamel.yaml
# refuses a block (| or >) that begins with a line of spaces: one answer for a text, whichever reader a machine has.
_READ_OTHERWISE = re.compile("[\t\x85\u2028\u2029\ufeff\ud800-\udfff]")
_BLANK_BLOCK = re.compile(r"[|>][^\r\n]*[\r\n]+ [ \r\n]*(?:[\r\n]|\Z)")
_DEEPEST = 50  # far beyond any file of ours, far below the recursion that Python allows
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), "bool"),
    **dict.fromkeys(("null", "Null", "NULL", "~"), "null"),
}
_KINDS = {f"tag:yaml.org,2002:{kind}": kind for kind in ("int", "float", "bool", "null")}
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+)|[-+][0-9_]+|[0-9][0-9_]*")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class Scalar(NamedTuple):
    """`kind` is int, float, bool or null, or empty: then it is text, whatever tag stands before it."""

    line: int
    column: int
    kind: str
    value: str


class Sequence(NamedTuple):
    line: int
    column: int
    items: "list[Node]"


class Mapping(NamedTuple):
    """As it was written: a key may be any node, and may stand twice."""

    line: int
    column: int
    pairs: "list[tuple[Node, Node]]"


Node: TypeAlias = Scalar | Sequence | Mapping
_Take: TypeAlias = Callable[[], Any]


class NotYaml(Exception):
    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(problem)
        self.line, self.column, self.problem = line, column, problem


class _Unsure(Exception):
    """The two readers may differ here."""


def compose(text: str) -> Node | None:
    """The one document of `text`; None when it is empty. Raises `NotYaml`, and `RecursionError` for a node inside itself."""
    if CParser is not None and not _READ_OTHERWISE.search(text) and not _BLANK_BLOCK.search(text):
        try:
            return _quickly(CParser(text).get_event)
        except (_Unsure, YAMLError):
            pass  # the other reader decides, and says what is wrong
    return _by_the_book(text)


def _quickly(take: _Take) -> Node | None:
    take()  # the stream begins
    begin = take()
    if isinstance(begin, StreamEndEvent):
        return None
    event = take()
    if begin.version or begin.tags or isinstance(event, ScalarEvent):  # a text that is the whole document may differ
        raise _Unsure
    root = _node(event, take, 0)
    take()  # the document ends
    if not isinstance(take(), StreamEndEvent):
        raise _Unsure
    return root


def _node(event: Any, take: _Take, depth: int) -> Node:
    if isinstance(event, AliasEvent) or event.anchor is not None or event.tag is not None or depth > _DEEPEST:
        raise _Unsure
    mark = event.start_mark
    line, column = mark.line + 1, mark.column + 1
    if isinstance(event, ScalarEvent):
        return Scalar(line, column, _kind(event.value) if event.implicit[0] else "", event.value)
    if isinstance(event, MappingStartEvent):
        pairs = []
        while not isinstance(key := take(), MappingEndEvent):
            pairs.append((_node(key, take, depth + 1), _node(take(), take, depth + 1)))
        return Mapping(line, column, pairs)
    items = []
    while not isinstance(item := take(), SequenceEndEvent):
        items.append(_node(item, take, depth + 1))
    return Sequence(line, column, items)


def _kind(plain: str) -> str:
    """Of a text without quotes."""
    if not plain:
        raise _Unsure  # nothing is null to both, and stands elsewhere
    if plain[0] not in "+-.0123456789":
        return _WORDS.get(plain, "")
    return "int" if _INT.fullmatch(plain) else "float" if _FLOAT.fullmatch(plain) else ""


def _by_the_book(text: str) -> Node | None:
    from ruamel.yaml import YAML  # noqa: PLC0415  # 20 ms at the start of every command, and most files never need it
    from ruamel.yaml.error import MarkedYAMLError as Marked  # noqa: PLC0415  # as said
    from ruamel.yaml.error import YAMLError as Unreadable  # noqa: PLC0415  # as said

    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows an anchor to be used again; a warning would reach stderr
    try:
        root = yaml.compose(text)
    except Marked as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise NotYaml(line, column, error.problem or error.context) from error
    except Unreadable as error:
        raise NotYaml(1, 1, str(error)) from error
    return None if root is None else _ours(root)


def _ours(node: Any) -> Node:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if node.id == "scalar":
        return Scalar(line, column, _KINDS.get(str(node.tag), ""), node.value)
    if node.id == "sequence":
        return Sequence(line, column, [_ours(item) for item in node.value])
    return Mapping(line, column, [(_ours(key), _ours(value)) for key, value in node.value])
