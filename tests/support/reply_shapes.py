"""Holds what the features of the emulated AWS answer against botocore's models, in every test that uses an emulator.

`watch` wraps each handler once, in this process; `judge` fails the test in which one answered what AWS cannot answer: a
member that the output shape does not have, a value of another type, an unknown word where AWS lists the words, a member
missing that the model requires, an error code that the service does not know. What moto answers is moto's.
"""

import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from numbers import Real
from typing import Any

from bot.rehearsal.aws import emulator
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto, Reply
from bot.rehearsal.aws.wire import model_of, result_of, written

_PLAIN: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "character": str, "boolean": bool, "blob": (bytes, str), "timestamp": datetime,
}  # fmt: skip
#: What any service may answer, whether or not its model says so.
_COMMON = {
    "ValidationException",
    "ValidationError",
    "InvalidParameterValue",
    "InvalidParameterCombination",
    "AccessDeniedException",
}
#: Shapes whose list of words is shorter than what AWS answers: S3 names every storage class when it lists versions.
_MORE_THAN_LISTED = {"ObjectVersionStorageClass"}
#: Services whose models list no errors.
_UNLISTED = {"ec2", "s3"}
_faults: list[str] = []


def watch() -> None:
    """From now on, every emulator that is built is watched. For processes that have imported it."""
    inner = emulator._handlers

    def wrapped(features: Any) -> Mapping[tuple[str, str], Handler]:
        return {key: _watched(handler) for key, handler in inner(features).items()}

    if not hasattr(inner, "__wrapped__"):
        emulator._handlers = functools.wraps(inner)(wrapped)


def judge() -> None:
    """Raise what was wrong since the last time, or nothing."""
    if _faults:
        said = "\n".join(sorted(set(_faults)))
        _faults.clear()
        raise AssertionError(f"The emulated AWS answered what AWS cannot answer:\n{said}")


def _watched(handler: Handler) -> Handler:
    async def answer(call: Call, moto: Moto) -> Answer:
        try:
            answered = await handler(call, moto)
        except AwsError as error:
            _faults.extend(faults_of_error(call, error))
            raise
        if not isinstance(answered, Reply):
            _faults.extend(faults_of_answer(call, answered))
        return answered

    return answer


def faults_of_answer(call: Call, answered: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with it as it is, and with what a caller reads of it once it is written."""
    where = f"{call.service}.{call.operation}"
    shape = model_of(call.service).operation_model(call.operation).output_shape
    if shape is None:
        yield from ([f"{where}: answers {set(answered)}, and the model nothing"] if answered else [])
        return
    wrong = list(_faults_of(answered, shape, where))
    yield from wrong
    if not wrong:
        read = result_of(call, written(call, answered))
        yield from _lost(answered, read, where)


def faults_of_error(call: Call, error: AwsError) -> Iterator[str]:
    known = {_code(shape) for shape in _errors(call.service)} | _COMMON
    if error.code not in known and call.service not in _UNLISTED:
        yield f"{call.service}.{call.operation}: no such error: {error.code}"


@functools.cache
def _errors(service: str) -> tuple[Any, ...]:
    model = model_of(service)
    return tuple(shape for shape in map(model.shape_for, model.shape_names) if shape.metadata.get("exception"))


def _code(shape: Any) -> str:
    return str(shape.metadata.get("error", {}).get("code") or shape.name)


def _faults_of(value: Any, shape: Any, where: str) -> Iterator[str]:
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            yield from _faults_of_members(value, shape, where)
        case "list" if isinstance(value, list | tuple):
            for number, part in enumerate(value):
                yield from _faults_of(part, shape.member, f"{where}[{number}]")
        case "map" if isinstance(value, Mapping):
            for key, part in value.items():
                yield from _faults_of(key, shape.key, f"{where} key {key!r}")
                yield from _faults_of(part, shape.value, f"{where}[{key!r}]")
        case _ if not _fits(value, shape.type_name):
            yield f"{where}: {value!r} is no {shape.type_name}"
        case "string" if shape.enum and value not in shape.enum and shape.name not in _MORE_THAN_LISTED:
            yield f"{where}: {value!r} is none of {', '.join(shape.enum)}"


def _faults_of_members(value: Mapping[str, Any], shape: Any, where: str) -> Iterator[str]:
    for name in value.keys() - shape.members.keys():
        yield f"{where}: AWS knows no {name}"
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{where}: {name} is missing"
    for name, part in value.items():
        # The writer leaves out what is None, as AWS does what it has no value for.
        if name in shape.members and part is not None:
            yield from _faults_of(part, shape.members[name], f"{where}.{name}")


def _fits(value: Any, type_name: str) -> bool:
    if type_name in {"integer", "long"}:
        return isinstance(value, int) and not isinstance(value, bool)
    if type_name in {"float", "double"}:
        return isinstance(value, Real) and not isinstance(value, bool)
    return isinstance(value, _PLAIN.get(type_name, ()))


def _lost(answered: Any, read: Any, where: str) -> Iterator[str]:
    """What was answered and does not arrive."""
    if isinstance(answered, Mapping):
        yield from _lost_members(answered, read, where)
    elif isinstance(answered, list | tuple):
        if len(answered) != len(read):
            yield f"{where}: of {len(answered)} only {len(read)} arrive"
        for number, (one, other) in enumerate(zip(answered, read, strict=False)):
            yield from _lost(one, other, f"{where}[{number}]")
    elif not _same(answered, read):
        yield f"{where}: {answered!r} arrives as {read!r}"


def _lost_members(answered: Mapping[str, Any], read: Mapping[str, Any], where: str) -> Iterator[str]:
    """An empty list or map may be left out, as query protocols do."""
    for name, part in answered.items():
        empty = part is None or (not part and isinstance(part, Mapping | list | tuple))
        if name in read:
            yield from [] if empty else _lost(part, read[name], f"{where}.{name}")
        elif not empty:
            yield f"{where}.{name}: does not arrive"


def _same(answered: Any, read: Any) -> bool:
    if isinstance(answered, datetime):
        meant = answered if answered.tzinfo else answered.replace(tzinfo=UTC)  # moto's own are naive, in UTC
        return abs((meant - read).total_seconds()) < 1
    return isinstance(read, bytes) or bool(answered == read)
