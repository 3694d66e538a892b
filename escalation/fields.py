"""The kinds of value that people write in the escalation files, each checked where it is read."""

import re
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from escalation.errors import BadValue
from escalation.nearest import nearest
from escalation.phrase import N_, phrase
from escalation.refusal import shown

_NAME = r"[a-z0-9][a-z0-9_-]*"
_LANGUAGE = r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*"
_SLACK_USER = r"[UW][A-Z0-9]+"
_EMAIL = r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_WEB_ADDRESS = r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?(/[^\s#]*)?"
_WALL_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_DAY = r"2[0-9]{3}-[0-9]{2}-[0-9]{2}"
_MOMENT = rf"{_DAY}[ T]{_WALL_TIME}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?"


class Written(BaseModel):
    """A part of a file that a person writes. Its fields' docstrings reach the JSON Schema, and so the person's editor."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _schema(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": list(examples)})


def _matching(pattern: str, what: str, todo: str) -> BeforeValidator:
    """Let only texts of one form pass; the messages are marked where they are given."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise BadValue(phrase(what, value=shown(value)), phrase(todo))
        return value

    return BeforeValidator(check)


def check_name(value: Any) -> str:
    """The name of an entry, or `BadValue`."""
    if not isinstance(value, str) or not re.fullmatch(_NAME, value):
        what = phrase(N_("{value} cannot be a name."), value=shown(value))
        raise BadValue(what, phrase(N_("Use lower-case letters, digits, - and _, such as mina.")))
    return value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # zoneinfo lets each of them out, by the kind of bad name
        meant = nearest(name, available_timezones())
        todo = phrase(N_("Use a name of the IANA list, such as Asia/Seoul or Europe/Rome."))
        if meant:
            todo = phrase(N_("Did you mean {meant}?"), meant=meant)
        raise BadValue(phrase(N_("there is no time zone {name}."), name=shown(name)), todo) from error
    return name


def _textual(pattern: str, kind: type[date | datetime | time], what: str, todo: str) -> BeforeValidator:
    """Read a day or a time from text of one form; pydantic alone would take numbers for seconds since 1970."""

    def read(value: Any) -> Any:
        if type(value) is kind:
            return value
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise BadValue(phrase(what, value=shown(value)), phrase(todo))
        try:
            return kind.fromisoformat(value)
        except ValueError as error:
            raise BadValue(phrase(N_("{value} does not exist."), value=shown(value)), phrase(todo)) from error

    return BeforeValidator(read)


def _phone(value: Any) -> str:
    if not isinstance(value, str):  # +821012345678 without quotes is a number in YAML, and its plus sign is gone
        what = phrase(N_("a phone number must be text."))
        raise BadValue(what, phrase(N_('Put it in quotes and begin with +: "+82 10-0000-0001".')))
    number = re.sub(r"\(0\)|[ .()/-]", "", value)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        what = phrase(N_("{value} is not an international phone number."), value=shown(value))
        raise BadValue(
            what, phrase(N_('Write + and the country code, then 7 to 15 digits in all: "+82 10-0000-0001".'))
        )
    if number.startswith(_TRUNK_ZERO):
        what = phrase(N_("{value} keeps the 0 that is dialled only inside the country."), value=shown(value))
        raise BadValue(what, phrase(N_("Leave out the 0 after the country code.")))
    return number


#: Countries whose numbers never begin with 0 after the country code (Italy's do): ITU-T national numbering plans.
_TRUNK_ZERO = ("+820", "+810", "+440", "+490", "+330", "+610")

#: How an entry is called in its file, and so in commands, messages and other files.
Name = Annotated[str, BeforeValidator(check_name), _schema(_NAME)]
Language = Annotated[
    str,
    _matching(_LANGUAGE, N_("{value} is not a language."), N_("Write a code such as ko or en.")),
    _schema(_LANGUAGE, "ko", "en"),
]
SlackUser = Annotated[
    str,
    _matching(
        _SLACK_USER,
        N_("{value} is not a Slack member id."),
        N_('Copy it in Slack from the profile, "Copy member ID"; it looks like U01ABC2DEF3.'),
    ),
    _schema(_SLACK_USER),
]
EmailAddress = Annotated[
    str,
    _matching(_EMAIL, N_("{value} is not an email address."), N_("Write one such as mina@example.com.")),
    _schema(_EMAIL, "mina@example.com"),
]
#: What is sent there is signed and not secret, but it says what is broken: so not in clear over the network.
WebAddress = Annotated[
    str,
    _matching(
        _WEB_ADDRESS,
        N_("{value} is not the address of a webhook."),
        N_("Write https://…; http is taken for this machine alone."),
    ),
    _schema(_WEB_ADDRESS, "https://example.com/hook"),
]
ZoneName = Annotated[str, AfterValidator(_known_zone), Field(examples=["Asia/Seoul", "Europe/Rome"])]
#: E.164, such as +821000000001; spaces, dots, dashes and brackets are taken out.
PhoneNumber = Annotated[str, BeforeValidator(_phone), _schema(r"\+[0-9 .()/-]+")]
Day = Annotated[
    date,
    _textual(_DAY, date, N_("{value} is not a day."), N_("Write year-month-day: 2026-01-05.")),
    _schema(_DAY, "2026-01-05"),
]
WallTime = Annotated[
    time,
    _textual(_WALL_TIME, time, N_("{value} is not a time of day."), N_('Write hours and minutes in quotes: "09:00".')),
    _schema(_WALL_TIME, "09:00"),
]
#: An instant, or without an offset a local time of the schedule that it stands in.
Moment = Annotated[
    datetime,
    _textual(
        _MOMENT,
        datetime,
        N_("{value} is not a day with a time."),
        N_("Write 2026-12-24 18:00 (in the schedule's time zone) or 2026-12-24T18:00+09:00."),
    ),
    _schema(_MOMENT, "2026-12-24 18:00"),
]
