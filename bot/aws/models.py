"""AWS's own description of its services, as botocore ships it: does an operation exist, and does it take these parameters?

Beside `session.py` the one module that imports botocore, and of that only what reads the descriptions: the linter must
answer in a second, without credentials. A service's description is read when it is first named, and kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Call, Fault, Some
from bot.playbook.parameters import LISTS
from escalation.nearest import nearest, suggestion
from escalation.refusal import shown

Path = tuple[str | int, ...]

#: IAM calls nearly every service by the name that requests are signed with; not this one.
_PREFIXES = {"monitoring": "cloudwatch"}
#: More names than this are no help to a reader.
_FEW = 20


@cache
def _loader() -> Any:
    from botocore.loaders import Loader  # noqa: PLC0415  # slow to import, and most commands need none of it

    return Loader()


@cache
def services() -> tuple[str, ...]:
    """The services that boto3 has a client for, by the names of those clients."""
    return tuple(_loader().list_available_services("service-2"))


@cache
def service_model(service: str) -> Any:
    """Botocore's `ServiceModel`, or None for a service that it does not have."""
    from botocore.model import ServiceModel  # noqa: PLC0415  # as above

    if service not in services():
        return None
    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@cache
def operation_model(service: str, operation: str) -> Any:
    """Botocore's `OperationModel`, or None for an operation that the service does not have."""
    found = service_model(service)
    return found.operation_model(operation) if found and operation in found.operation_names else None


def permission(service: str, operation: str) -> str:
    """The IAM action of an operation. For a few it has another name (`s3:ListBucket` for ListObjectsV2)."""
    found = service_model(service)
    prefix = found.signing_name if found else service
    return f"{_PREFIXES.get(prefix, prefix)}:{operation}"


@cache
def token_fields(service: str, operation: str) -> tuple[str, ...]:
    """The parameters by which the operation recognises that it is sent a second time."""
    found = operation_model(service, operation)
    return tuple(found.idempotent_members) if found else ()


def problems_of(call: Call) -> list[Phrase]:
    """Why botocore would refuse the call before it is sent; a plan must never show such a call."""
    unknown = list(unknown_operation(call.service, call.operation))
    faults = unknown or parameter_faults(call.service, call.operation, call.parameters, exact=False)
    name = f"{call.service}:{call.operation}"
    return [phrase(N_("{call}: {what} {todo}"), call=name, what=one.what, todo=one.todo) for one in faults]


def unknown_operation(service: str, operation: str) -> Iterator[Fault]:
    """A service or an operation that does not exist; the paths are `service` and `operation`."""
    found = service_model(service)
    if found is None:
        what = phrase(N_("AWS has no service {service}."), service=service)
        yield Fault(("service",), what, meant_by(service, services()))
    elif operation not in found.operation_names:
        what = phrase(N_("{service} has no operation {operation}."), service=service, operation=operation)
        yield Fault(("operation",), what, meant_by(operation, found.operation_names))


def parameter_faults(
    service: str, operation: str, parameters: Mapping[str, Any], *, exact: bool = True
) -> Iterator[Fault]:
    """What does not fit the operation, each at its path in `parameters`.

    `exact` also refuses values that botocore would send and AWS refuses: those that an enumeration does not have.
    """
    shape = operation_model(service, operation).input_shape
    if shape is not None:
        yield from _Reading(operation, exact=exact).structure(shape, parameters, ())
        return
    for name in parameters:
        what = phrase(N_("{operation} takes no parameters."), operation=operation)
        yield Fault((name,), what, phrase(N_("Remove it.")), at_key=True)


class _Reading:
    """One walk over parameters and the shapes that they must have."""

    def __init__(self, operation: str, *, exact: bool) -> None:
        self._operation, self._exact = operation, exact

    def value(self, shape: Any, value: Any, path: Path) -> Iterator[Fault]:
        if isinstance(value, Some):
            if value.type and not _may_be(value.type, shape.type_name):
                found = phrase(N_("a value of type {type}"), type=value.type)
                yield self._wrong(shape, path, found)
        elif getattr(shape, "is_document_type", False):
            return
        elif not _FITS[shape.type_name](value):
            yield self._wrong(shape, path, shown(value))
        elif shape.type_name in _INSIDE:
            yield from _INSIDE[shape.type_name](self, shape, value, path)
        else:
            yield from self._bounds(shape, value, path)

    def structure(self, shape: Any, value: Mapping[str, Any], path: Path) -> Iterator[Fault]:
        owner = self._operation if not path else _dotted(path)
        for name, item in value.items():
            if name in shape.members:
                yield from self.value(shape.members[name], item, (*path, name))
            else:
                what = phrase(N_("{owner} has no parameter {name}."), owner=owner, name=name)
                yield Fault((*path, name), what, meant_by(name, shape.members), at_key=True)
        misspelled = {nearest(name, shape.members) for name in value if name not in shape.members}
        for name in shape.required_members:
            if name not in value and name not in misspelled:
                what = phrase(N_("{owner} needs the parameter {name}."), owner=owner, name=name)
                yield Fault(path, what, phrase(N_("Add it.")))
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            what = phrase(N_("{owner} takes exactly one of its parameters."), owner=owner)
            yield Fault(path, what, phrase(N_("Choose one of: {names}."), names=", ".join(shape.members)))

    def list(self, shape: Any, value: Iterable[Any], path: Path) -> Iterator[Fault]:
        yield from self._bounds(shape, value, path)
        for index, item in enumerate(value):
            yield from self.value(shape.member, item, (*path, index))

    def map(self, shape: Any, value: Mapping[str, Any], path: Path) -> Iterator[Fault]:
        for key, item in value.items():
            yield from self.value(shape.value, item, (*path, key))

    def _bounds(self, shape: Any, value: Any, path: Path) -> Iterator[Fault]:
        least, choices = shape.metadata.get("min"), getattr(shape, "enum", None)
        size = (
            value if isinstance(value, int | float) else len(value) if isinstance(value, str | list | tuple) else None
        )
        if least is not None and size is not None and not isinstance(value, bool) and size < least:
            what = phrase(
                N_("{name} is too small or too short: {least} is the least."), name=_dotted(path), least=least
            )
            yield Fault(path, what, phrase(N_("Raise it to that.")))
        elif self._exact and choices and value not in choices:
            what = phrase(N_("{name} cannot be {value}."), name=_dotted(path), value=shown(value))
            yield Fault(path, what, meant_by(value, choices))

    def _wrong(self, shape: Any, path: Path, found: Any) -> Fault:
        wanted = phrase(_WORDS.get(shape.type_name, N_("a number")))
        what = phrase(N_("{name} is {found}; {operation} wants {wanted}."), name=_dotted(path), found=found, operation=self._operation, wanted=wanted)  # fmt: skip
        return Fault(path, what, phrase(N_("Write {wanted}."), wanted=wanted))


_INSIDE: Mapping[str, Callable[[_Reading, Any, Any, Path], Iterator[Fault]]] = {
    "structure": _Reading.structure,
    "list": _Reading.list,
    "map": _Reading.map,
}


def _is_instant(value: Any) -> bool:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, datetime | int | float) and not isinstance(value, bool)


#: How a value that a playbook can hold looks for each type of botocore's; the same as its own validator takes.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "structure": lambda value: isinstance(value, Mapping),
    "list": lambda value: isinstance(value, list | tuple),
    "map": lambda value: isinstance(value, Mapping),
    "string": lambda value: isinstance(value, str),
    "character": lambda value: isinstance(value, str),
    "blob": lambda value: isinstance(value, str | bytes | bytearray),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    "double": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    "timestamp": _is_instant,
}

_WORDS: Mapping[str, str] = {
    "structure": N_("a mapping of names to values"),
    "map": N_("a mapping of names to values"),
    "list": N_("a list"),
    "string": N_("a text"),
    "character": N_("a text"),
    "blob": N_("a text"),
    "boolean": N_("true or false"),
    "integer": N_("a whole number"),
    "long": N_("a whole number"),
    "timestamp": N_("a time"),
}

#: The types of AWS that a value of each of our types can be sent as; what is not listed is a text.
_SENT_AS: Mapping[str, frozenset[str]] = {
    "int": frozenset({"integer", "long", "float", "double"}),
    "number": frozenset({"float", "double"}),
    "bool": frozenset({"boolean"}),
    "time": frozenset({"timestamp"}),
    "duration": frozenset(),
    **dict.fromkeys(LISTS, frozenset({"list"})),
}


def _may_be(type_: str, wanted: str) -> bool:
    return wanted in _SENT_AS.get(type_, {"string", "character", "blob", "timestamp"})


def meant_by(name: object, known: Iterable[str]) -> Phrase:
    """Like `suggestion`; AWS has too many names to list them all."""
    names = list(known)
    if len(names) <= _FEW:
        return suggestion(name, names)
    meant = nearest(name, names)
    return phrase(N_("Did you mean {meant}?"), meant=meant) if meant else phrase(N_("See the service's API reference."))


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
