"""What is wrong with an `aws.call` before anybody runs it: against botocore's models and the rules of JMESPath."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bot.aws import models
from bot.aws.expressions import names_nothing, why_bad
from bot.aws.session import READS
from bot.errors import N_, phrase
from bot.playbook.action import Fault, Some
from escalation.nearest import suggestion

_POLL = ("operation", "parameters", "from")


def faults(given: Mapping[str, Any]) -> Iterator[Fault]:
    """`given` stands under `with:`; its fields are those of `AnyCall`, and known to be of the right types."""
    for name in ("service", "operation"):
        if isinstance(given.get(name), Some):
            what = phrase(N_("{name} must be written out: a template cannot be checked before the night."), name=name)
            yield Fault((name,), what, phrase(N_("Write one step for each operation, with when.")))
            return
    service, operation = str(given["service"]), str(given["operation"])
    if unknown := list(models.unknown_operation(service, operation)):
        yield from unknown
        return
    yield from _parameters(service, operation, given.get("parameters", {}), ("parameters",), ())
    looks = list(_poll(service, operation, given))
    yield from looks or _expressions(service, operation, given)


def _parameters(service: str, operation: str, given: Any, path: models.Path, taken: tuple[str, ...]) -> Iterator[Fault]:
    """`taken`: parameters that come out of an answer."""
    if isinstance(given, Mapping):
        known = {**given, **{name: Some() for name in taken}}
        for fault in models.parameter_faults(service, operation, known):
            below = ("from", *fault.path) if fault.path and fault.path[0] in taken else ("parameters", *fault.path)
            yield replace(fault, path=(*path[:-1], *below))


def _poll(service: str, operation: str, given: Mapping[str, Any]) -> Iterator[Fault]:
    """How it is looked at: with an operation that reads, or, when it only reads itself, with itself."""
    poll = given.get("poll")
    if not isinstance(poll, Mapping):
        if "until" in given and not READS.match(operation):
            what = phrase(
                N_("{operation} changes something, and is not sent again to see whether it is over."),
                operation=operation,
            )
            todo = phrase(N_("Add poll: {{operation: …}}, with an operation that reads."))
            yield Fault(("until",), what, todo, at_key=True)
        return
    for name in poll:
        if name not in _POLL:
            what = phrase(N_("{owner} has no parameter {name}."), owner="poll", name=name)
            yield Fault(("poll", name), what, suggestion(name, _POLL), at_key=True)
    refused = _looks(service, poll.get("operation"))
    yield from [refused] if refused else _poll_parameters(service, operation, poll)


def _looks(service: str, operation: Any) -> Fault | None:
    """Why `operation` is none to look with."""
    if not isinstance(operation, str):
        what = phrase(N_("poll needs an operation that is written out."))
        return Fault(("poll",), what, phrase(N_("Add one that reads, such as DescribeDBClusters.")))
    for unknown in models.unknown_operation(service, operation):
        return replace(unknown, path=("poll", "operation"))
    if not READS.match(operation):
        what = phrase(N_("{operation} changes something; looking must not."), operation=operation)
        return Fault(("poll", "operation"), what, phrase(N_("Name an operation that reads.")))
    return None


def _poll_parameters(service: str, operation: str, poll: Mapping[str, Any]) -> Iterator[Fault]:
    """Those that are written out, and those that come from the answer of `operation`."""
    taken = poll.get("from", {})
    names = tuple(taken) if isinstance(taken, Mapping) else ()
    yield from _parameters(service, poll["operation"], poll.get("parameters", {}), ("poll", "parameters"), names)
    for name in names:
        yield from _expression(("poll", "from", name), taken[name], service, operation)


def _expressions(service: str, operation: str, given: Mapping[str, Any]) -> Iterator[Fault]:
    """`until` and the others are about what `poll` answers, where there is one."""
    poll = given.get("poll")
    looked_at = poll.get("operation") if isinstance(poll, Mapping) else operation
    for name in ("until", "succeeds", "fails", "output"):
        if name in given:
            yield from _expression((name,), given[name], service, str(looked_at))


def _expression(path: models.Path, text: Any, service: str, operation: str) -> Iterator[Fault]:
    if not isinstance(text, str):
        return
    if bad := why_bad(text):
        yield Fault(path, bad, phrase(N_("Write it as JMESPath, such as Table.TableStatus == 'ACTIVE'.")))
        return
    model = models.operation_model(service, operation)
    if model and (missing := names_nothing(text, model.output_shape)):
        name, known = missing
        what = phrase(N_("the answer of {operation} has no {name} there."), operation=operation, name=name)
        yield Fault(path, what, models.meant_by(name, known) if known else phrase(N_("Take it out.")))
