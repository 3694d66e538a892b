"""A person who can be paged, and how to reach them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo
from pydantic.json_schema import SkipJsonSchema

from escalation.errors import BadValue
from escalation.fields import EmailAddress, Language, Name, PhoneNumber, SlackUser, WebAddress, Written, ZoneName
from escalation.nearest import suggestion
from escalation.phrase import N_, phrase
from escalation.refusal import shown

Method = Literal["slack", "sms", "email", "voice", "webhook"]
_METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Contact:
    """One way to reach one person. `address`: a Slack member id, an E.164 number (sms, voice), an email address, a URL."""

    method: Method
    address: str


class Sms(Written):
    """A text message to a mobile phone."""

    sms: PhoneNumber
    """An international number in quotes, such as "+82 10-0000-0001"."""


class Email(Written):
    """An email with a link that acknowledges."""

    email: EmailAddress
    """Such as mina@example.com."""


class Voice(Written):
    """A call that reads the incident out."""

    voice: PhoneNumber
    """An international number in quotes, such as "+82 10-0000-0001"."""


class Webhook(Written):
    """A signed POST to another service, such as PagerDuty or Opsgenie."""

    webhook: WebAddress
    """Where it goes: https://…"""


#: How an address is written, for each method that has one.
_EXAMPLES: Mapping[str, str] = {
    "sms": '"+82 10-0000-0001"', "email": "mina@example.com", "voice": '"+82 10-0000-0001"',
    "webhook": "https://example.com/hook",
}  # fmt: skip


def _method(written: Any) -> Any:
    """The contact method of an entry as it is written: `slack`, or the one key of `sms: "+82 …"`."""
    match written:
        case Mapping() if len(written) == 1:
            return next(iter(written))
        case Sms() | Email() | Voice() | Webhook():
            return next(iter(type(written).model_fields))
        case _:
            return written


def _known_method(written: Any) -> Any:
    method = _method(written)
    if method not in _METHODS:
        what = phrase(N_("{method} is not a contact method."), method=shown(method))
        raise BadValue(what, suggestion(method, _METHODS))
    if isinstance(written, str) and written in _EXAMPLES:
        what = phrase(N_("{method} needs an address."), method=written)
        todo = phrase(N_("Write it after a colon: {method}: {example}."), method=written, example=_EXAMPLES[written])
        raise BadValue(what, todo)
    if method == "slack" and written != "slack":
        what = phrase(N_("slack takes no address here."))
        raise BadValue(what, phrase(N_("Write only slack, and the member id in the person's own field slack.")))
    return written


def _reachable(written: Any, info: ValidationInfo) -> Any:
    """Refuse `- slack` for a person without a Slack member id."""
    if written == "slack" and info.data.get("slack", "unknown") is None:
        what = phrase(N_("this person has no Slack member id."))
        raise BadValue(what, phrase(N_("Add slack: U… to the person, or remove this contact.")))
    return written


ContactRule = Annotated[
    Annotated[Literal["slack"], Tag("slack")]
    | Annotated[Sms, Tag("sms")]
    | Annotated[Email, Tag("email")]
    | Annotated[Voice, Tag("voice")]
    | Annotated[Webhook, Tag("webhook")],
    Discriminator(_method),
    BeforeValidator(_known_method),
    AfterValidator(_reachable),
]


class Person(Written):
    """One person of people.yaml. The entry's name there is the `key` by which schedules, policies and commands know them."""

    key: SkipJsonSchema[Name]
    name: str = Field(min_length=1)
    """The name that others read, such as Mina Park."""
    language: Language | None = None
    """The language of this person's pages, such as ko or en; when it is missing, Slack or the configuration decides."""
    time_zone: ZoneName
    """Where this person's clock is, such as Asia/Seoul: times in their pages are shown by it."""
    slack: SlackUser | None = None
    """The Slack member id (in Slack: profile, "Copy member ID")."""
    contacts: tuple[ContactRule, ...] = Field(min_length=1)
    """How to reach this person, the first choice first; the next one is used when one fails."""

    @property
    def reached_by(self) -> tuple[Contact, ...]:
        """The contacts in order, each with its address."""
        return tuple(self._contact(rule) for rule in self.contacts)

    def _contact(self, rule: ContactRule) -> Contact:
        match rule:
            case Sms(sms=number):
                return Contact("sms", number)
            case Email(email=address):
                return Contact("email", address)
            case Voice(voice=number):
                return Contact("voice", number)
            case Webhook(webhook=url):
                return Contact("webhook", url)
        return Contact("slack", self.slack or "")
