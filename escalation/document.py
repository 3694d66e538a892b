"""Read a YAML 1.2 file into plain values that remember where they stood, and into frozen pydantic models.

YAML 1.2 on purpose: in YAML 1.1 `22:00` is the number 1320 and `no` is false, which nobody on call expects.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from escalation import nodes
from escalation.errors import BadFile, BadFiles
from escalation.phrase import N_, Phrase, phrase
from escalation.refusal import refusal, shown

Key = str | int
Path_ = tuple[Key, ...]
Model = TypeVar("Model", bound=BaseModel)

_BASES = {"0b": 2, "0o": 8, "0x": 16}
_BOOLS = {**dict.fromkeys(("true", "yes", "on", "y"), True), **dict.fromkeys(("false", "no", "off", "n"), False)}


@dataclass(frozen=True)
class Document:
    """The values of one file, and the (line, column) of each, both counted from 1.

    `places` maps a path such as `("steps", 0, "action")` to where its value stands; `keys` to where its key stands.
    """

    file: Path
    values: Any
    places: Mapping[Path_, tuple[int, int]] = field(repr=False)
    keys: Mapping[Path_, tuple[int, int]] = field(repr=False)

    def place(self, path: Path_) -> tuple[int, int]:
        """Where the value at `path` stands, or the nearest thing above it that exists in the file."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def problem(self, path: Path_, what: Phrase | str, todo: Phrase | str = "", *, at_key: bool = False) -> BadFile:
        """A problem at `path`, ready to raise or to collect."""
        line, column = self.keys[path] if at_key and path in self.keys else self.place(path)
        return BadFile(self.file, line, column, _dotted(path), what, todo)

    def parse(self, model: type[Model], values: Any = None, under: Path_ = ()) -> Model:
        """Validate the whole document, or `values` that stand `under` a path, as `model`.

        Raises `BadFiles` with one `BadFile` for each thing that pydantic refused.
        """
        try:
            return model.model_validate(self.values if values is None else values)
        except ValidationError as error:
            raise BadFiles(list(self._problems(error, under))) from error

    def _problems(self, error: ValidationError, under: Path_) -> Iterator[BadFile]:
        details = error.errors(include_url=False)
        for detail in details:
            if detail["type"] == "too_short" and any(_within(other["loc"], detail["loc"]) for other in details):
                continue  # pydantic counts only the entries that are right; the wrong ones are told anyway
            path = (*under, *detail["loc"])
            known = _longest_known(path, self.places)
            if detail["type"] == "missing":
                yield self.problem(known, phrase(N_("{name} is missing."), name=str(detail["loc"][-1])))
            elif detail["type"] == "extra_forbidden":
                todo = phrase(N_("Remove it, or correct its spelling."))
                yield self.problem(known, phrase(N_("unknown field.")), todo, at_key=True)
            else:
                yield self.problem(known, *refusal(detail))


def read(file: Path) -> Document:
    """Read one file. Raises `BadFile` when it is missing, unreadable, not YAML, or has a key twice."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = phrase(N_("cannot be read: {error}."), error=str(error))
        raise BadFile(file, 1, 1, "", what, phrase(N_("Check the path, and that the file is UTF-8."))) from error
    return read_text(text, file)


def read_text(text: str, file: Path) -> Document:
    """Like `read`, for a text that is already in memory; `file` is only its name."""
    places: dict[Path_, tuple[int, int]] = {}
    keys: dict[Path_, tuple[int, int]] = {}
    try:
        root = nodes.compose(text)
        values = _value(root, (), file, places, keys) if root is not None else None
    except nodes.NotYaml as error:
        what = phrase(N_("is not valid YAML: {error}."), error=error.problem)
        raise BadFile(file, error.line, error.column, "", what) from error
    except RecursionError as error:
        what = phrase(N_("is nested too deeply, or has an anchor (&) that contains itself."))
        raise BadFile(file, 1, 1, "", what) from error
    return Document(file, values, places, keys)


def _value(
    node: nodes.Node, path: Path_, file: Path, places: dict[Path_, tuple[int, int]], keys: dict[Path_, tuple[int, int]]
) -> Any:
    places[path] = (node.line, node.column)
    if isinstance(node, nodes.Mapping):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.pairs:
            key = _scalar(key_node, file, path)
            below = (*path, key)
            if key in found:
                what, todo = phrase(N_("is given twice.")), phrase(N_("Keep one of the two."))
                raise BadFile(file, key_node.line, key_node.column, _dotted(below), what, todo)
            keys[below] = (key_node.line, key_node.column)
            found[key] = _value(value_node, below, file, places, keys)
        return found
    if isinstance(node, nodes.Sequence):
        return [_value(item, (*path, index), file, places, keys) for index, item in enumerate(node.items)]
    return _scalar(node, file, path)


def _scalar(node: nodes.Node, file: Path, path: Path_) -> Any:
    if not isinstance(node, nodes.Scalar):
        what, todo = phrase(N_("a key must be plain text.")), phrase(N_("Write the key as a word."))
        raise BadFile(file, node.line, node.column, _dotted(path), what, todo)
    convert = _CONVERT.get(node.kind)
    try:
        return convert(node.value) if convert else node.value
    except (ValueError, LookupError) as error:  # a tag that is written out (!!int) but does not fit, or a huge number
        what, todo = (
            phrase(N_("{value} is not what its type says."), value=shown(node.value)),
            phrase(N_("Put it in quotes.")),
        )
        raise BadFile(file, node.line, node.column, _dotted(path), what, todo) from error


def _int(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, _BASES.get(digits.lstrip("+-")[:2], 10))


def _float(text: str) -> float:
    return float(re.sub(r"^([-+]?)\.(inf|nan)$", r"\1\2", text.replace("_", "").lower()))


_CONVERT: Mapping[str, Callable[[str], Any]] = {
    "int": _int,
    "float": _float,
    "bool": lambda text: _BOOLS[text.lower()],
    "null": lambda _: None,
}


def _within(inner: Path_, outer: Path_) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _longest_known(path: Path_, places: Mapping[Path_, Any]) -> Path_:
    """The part of pydantic's path that exists in the file: it adds names of union members and of validators."""
    known: Path_ = ()
    for part in path:
        if (*known, part) in places:
            known = (*known, part)
    return known


def _dotted(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
