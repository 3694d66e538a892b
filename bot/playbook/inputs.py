"""The values of a playbook's inputs: taken from the alarm, from the default, or from what a person wrote.

Every value has a text form that `parse` reads back, so a form, the command line and the stored run speak the same
language: `fill(playbook, context, filled.texts)` gives the same values again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import isfinite
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bot.errors import N_, Missing, Phrase, phrase
from bot.playbook.context import Context
from bot.playbook.model import Input, Playbook, ValueType
from bot.playbook.template import BadTemplate, evaluate, lookup
from escalation.duration import format_duration, parse_duration
from escalation.errors import BadValue
from escalation.nearest import suggestion

#: As many as a field in Slack takes: the names of two hundred services fit.
MAX_TEXT = 3_000
#: A list is longer once it is written out again, with a space behind each comma; at most every letter is an item.
MAX_LIST = 2 * MAX_TEXT


@dataclass(frozen=True)
class Filled:
    """The inputs of one start. `values` are typed, None for an optional input that has none; `texts` fill in the form.

    `problems` holds, by input, what a person must mend before the plan can be made.
    """

    values: Mapping[str, Any]
    texts: Mapping[str, str]
    problems: Mapping[str, Phrase]

    @property
    def complete(self) -> bool:
        """Whether the playbook can be planned with these values."""
        return not self.problems


class Reader(NamedTuple):
    """Whose clock `03:40` is read by, and when."""

    now: datetime
    zone: str = "UTC"


def fill(playbook: Playbook, context: Context, given: Mapping[str, str] | None = None, zone: str = "UTC") -> Filled:
    """Every input's value: what was given, else `from`, else `default`. Never raises for what a person wrote.

    An empty text in `given` counts as not given; for an optional input it means "none". A default may name the inputs
    that are written before it. `zone` is the reader's: times without one are read in it, and texts are written in it.
    """
    given, reader = given or {}, Reader(context.now, zone)
    values: dict[str, Any] = {}
    problems: dict[str, Phrase] = {}
    for name, wanted in playbook.inputs.items():
        try:
            values[name] = _value(wanted, given.get(name), context.variables(values), reader)
        except (BadTemplate, BadValue, Missing) as error:
            problems[name] = error.phrase
    for name in given.keys() - playbook.inputs.keys():
        todo = suggestion(name, playbook.inputs)
        problems[name] = phrase(N_("This playbook has no input named {name}. {todo}"), name=name, todo=todo)
    texts = {name: "" if value is None else as_text(value, zone) for name, value in values.items()}
    refused = {name: text for name, text in given.items() if name in problems}
    return Filled(values, {**texts, **refused}, problems)


def parse(kind: ValueType, text: str, reader: Reader) -> Any:
    """One typed value from its text. Raises `BadValue`, which says what to write instead."""
    return _PARSE[kind](text.strip(), reader)


def as_text(value: Any, zone: str = "UTC") -> str:
    """The text that `parse` reads back to the same value; times in `zone`, with their offset."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(ZoneInfo(zone)).isoformat()
        case timedelta():
            return format_duration(value)
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _value(wanted: Input, given: str | None, variables: Mapping[str, Any], reader: Reader) -> Any:
    if given is not None and given.strip():
        found: Any = given
    elif given is not None and not wanted.required:
        return None
    else:
        found = _proposed(wanted, variables)
    if found is None:
        return None
    value = parse(wanted.type, as_text(found), reader)
    if wanted.choices and as_text(value) not in wanted.choices:
        what = phrase(N_("{value} is not one of the choices."), value=as_text(value))
        raise BadValue(what, phrase(N_("Choose one of: {choices}."), choices=", ".join(wanted.choices)))
    return value


def _proposed(wanted: Input, variables: Mapping[str, Any]) -> Any:
    """From the alarm, or the default; None for an optional input without either. Raises `Missing` with the reason."""
    reason: Phrase = phrase(N_("it has no default."))
    sources: tuple[Callable[[], Any], ...] = (
        *((lambda: lookup(str(wanted.source).split("."), variables),) if wanted.source else ()),
        *((lambda: evaluate(wanted.default, variables),) if wanted.default is not None else ()),
    )
    for source in sources:
        try:
            found = source()
        except BadTemplate as error:
            reason = error.phrase
        else:
            if found is not None and found != "":
                return found
    if wanted.required:
        raise Missing(phrase(N_("Give a value: {reason}"), reason=reason))
    return None


_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAY_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}\S*")
_AGO = re.compile(r"(\S+)\s*(?:ago|전)")


def _time(text: str, reader: Reader) -> datetime:
    """Whole seconds in UTC: no AWS call that takes an instant promises a finer one."""
    try:
        found = _instant(text, reader)
    except BadValue:
        raise
    except (ValueError, OverflowError) as error:
        what = phrase(N_("{text} is not a time."), text=repr(text))
        todo = phrase(N_("Write 03:40, 2026-11-23 03:40, 2026-11-23T03:40:00+09:00, or 5m ago."))
        raise BadValue(what, todo) from error
    return found.astimezone(UTC).replace(microsecond=0)


def _instant(text: str, reader: Reader) -> datetime:
    if text.lower() in {"now", "지금"}:
        return reader.now
    if ago := _AGO.fullmatch(text):
        return reader.now - parse_duration(ago[1])
    if clock := _TIME_OF_DAY.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return _latest(time(hour, minute, second), reader)
    if not _DAY_AND_TIME.fullmatch(text):
        raise ValueError(text)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else _local(at, reader.zone)


def _latest(clock: time, reader: Reader) -> datetime:
    """Today at that time of the reader's clock, or yesterday when that is still to come."""
    local = reader.now.astimezone(ZoneInfo(reader.zone)).replace(tzinfo=None)
    at = datetime.combine(local.date(), clock)
    return _local(at if at <= local else at - timedelta(days=1), reader.zone)


def _local(at: datetime, zone: str) -> datetime:
    """A time of the zone's clock. Raises `BadValue` for one that its clocks skipped or showed twice."""
    first, second = (at.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    twice = first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at
    what = phrase(N_("The clocks of {zone} showed {at} twice."), zone=zone, at=f"{at:%Y-%m-%d %H:%M}")
    if not twice:
        what = phrase(N_("The clocks of {zone} skipped {at}."), zone=zone, at=f"{at:%Y-%m-%d %H:%M}")
    raise BadValue(what, phrase(N_("Write it with its offset, such as 2026-11-23T03:40:00+09:00.")))


def _number(text: str, _: Reader) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise BadValue(phrase(N_("{text} is not a number."), text=repr(text)), phrase(N_("Write one such as 2.5.")))
    return number


def _int(text: str, _: Reader) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        what = phrase(N_("{text} is not a whole number."), text=repr(text))
        raise BadValue(what, phrase(N_("Write one such as 3.")))
    return int(text)


def _bool(text: str, _: Reader) -> bool:
    if text.lower() not in {"true", "yes", "on", "false", "no", "off", "예", "아니오"}:
        raise BadValue(phrase(N_("{text} is neither yes nor no."), text=repr(text)), phrase(N_("Write yes or no.")))
    return text.lower() in {"true", "yes", "on", "예"}


def _duration(text: str, _: Reader) -> timedelta:
    return parse_duration(text)


def _text(text: str, _: Reader, most: int = MAX_TEXT) -> str:
    if len(text) > most:
        what = phrase(N_("The text has {count} characters."), count=len(text))
        raise BadValue(what, phrase(N_("Write at most {limit}."), limit=most))
    return text


def _list(text: str, reader: Reader) -> list[str]:
    """Items separated by commas, each once, in the order they are written."""
    items = [item.strip() for item in _text(text, reader, MAX_LIST).split(",")]
    if "" in items:
        raise BadValue(phrase(N_("{text} has an empty item."), text=repr(text)), phrase(N_("Write a, b, c.")))
    return list(dict.fromkeys(items))


def _named(pattern: str, example: str) -> Callable[[str, Reader], str]:
    """A name as AWS allows it, so that a slip is found in the form and not by the first call."""

    def check(text: str, _: Reader) -> str:
        if not re.fullmatch(pattern, text):
            what = phrase(N_("{text} cannot be such a name in AWS."), text=repr(text))
            raise BadValue(what, phrase(N_("Write one such as {example}."), example=example))
        return text

    return check


def _listed(pattern: str, example: str) -> Callable[[str, Reader], list[str]]:
    """Several such names, separated by commas."""
    one = _named(pattern, example)
    return lambda text, reader: [one(item, reader) for item in _list(text, reader)]


_PARSE: Mapping[ValueType, Callable[[str, Reader], Any]] = {
    "str": _text,
    "int": _int,
    "number": _number,
    "bool": _bool,
    "time": _time,
    "duration": _duration,
    "region": _named(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", "eu-west-1"),
    "zone": _named(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}[a-z]|[a-z]{3,4}[0-9]{1,2}-az[0-9]{1,2}", "use1-az1"),
    "list": _list,
    "dynamodb.table": _named(r"[A-Za-z0-9_.-]{3,255}", "orders"),
    "ecs.cluster": _named(r"[A-Za-z0-9_-]{1,255}", "shop"),
    "ecs.service": _named(r"[A-Za-z0-9_-]{1,255}", "checkout"),
    "elb.load_balancers": _listed(
        r"(arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/)?((app|net)/)?[A-Za-z0-9-]{1,32}(/[0-9a-f]+)?",
        "web, api",
    ),
    "ecs.services": _listed(r"[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}", "shop/web, shop/api"),
    "dynamodb.tables": _listed(r"[A-Za-z0-9_.-]{3,255}", "orders, carts"),
    "autoscaling.groups": _listed(r"[\x20-\x2b\x2d-\x39\x3b-\x7e]{1,255}", "workers, batch"),
    "rds.cluster": _named(r"[A-Za-z](-?[A-Za-z0-9]){0,62}", "shop-db"),
    "rds.global_cluster": _named(r"[A-Za-z](-?[A-Za-z0-9]){0,254}", "shop-global"),
    "elasticache.group": _named(r"[A-Za-z](-?[A-Za-z0-9]){0,39}", "shop-cache"),
    "s3.bucket": _named(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "shop-assets"),
    "url": _named(r"https?://[A-Za-z0-9.\[\]:_-]+(/\S*)?", "https://shop.example/health"),
    "ssm.parameter": _named(r"(?=.{1,1011}$)/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", "/orders/table"),
}
