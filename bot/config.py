"""`lifeboat.yaml`: the services that are protected, where alarms come from, and who is paged for what."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.freezes import Freeze
from bot.playbook import PLAYBOOKS
from escalation.document import Document, Path_, read
from escalation.duration import Duration
from escalation.errors import BadFiles, BadValue
from escalation.loading import Directory
from escalation.nearest import suggestion
from escalation.phrase import N_, phrase
from escalation.refusal import shown

EXAMPLE = Path(__file__).parent / "lifeboat.example.yaml"
ESCALATION = Path(__file__).parent.parent / "escalation"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Part):
    """Which alarms belong to a service. Everything that is given must fit; patterns take `*` and `?`."""

    alarm: str | None = Field(default=None, description="Pattern for the alarm's name, such as orders-*.")
    namespace: str | None = Field(default=None, description="CloudWatch namespace, such as AWS/DynamoDB.")
    dimensions: Mapping[str, str] = Field(
        default_factory=dict, description="Dimension name to a pattern for its value."
    )


class Service(_Part):
    """One of the user's services: what protects it and who answers for it."""

    title: str = Field(default="", description="The name people know it by; the key when empty.")
    match: tuple[Match, ...] = Field(
        default=(), description="The alarms that belong to it; the first service that fits wins."
    )
    policy: str = Field(default="default", description="Escalation policy in policies.yaml.")
    tier: Literal[1, 2, 3] = Field(default=1, description="1 component, 2 availability zone, 3 region.")
    region: str = Field(default="", description="Its home region; the alarm's own region when empty.")
    tags: Mapping[str, str] = Field(default_factory=dict, description="What playbooks' offer_when compares.")
    parameters: Mapping[str, str] = Field(
        default_factory=dict, description="Names playbooks use, such as an SSM pointer."
    )
    rto: Duration | None = Field(default=None, description="Recovery time objective; the organisation's when empty.")
    rpo: Duration | None = Field(default=None, description="Recovery point objective; the organisation's when empty.")


class Targets(_Part):
    """What is promised."""

    rto: Duration = timedelta(minutes=30)
    rpo: Duration = timedelta(minutes=5)
    availability: float = Field(default=99.99, gt=0, le=100)


class Sources(_Part):
    """Where alarms come from."""

    topics: tuple[Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:")], ...] = Field(
        default=(), description="ARNs of the SNS topics that may post to /alarms/sns."
    )
    signature_versions: tuple[Literal["1", "2"], ...] = Field(
        default=("1", "2"), description="Accepted SNS signatures."
    )
    queues: tuple[Annotated[str, Field(pattern=r"^https?://[^/]+/.+")], ...] = Field(
        default=(), description="URLs of the SQS queues to read."
    )
    sweep_regions: tuple[str, ...] = Field(default=(), description="Regions whose alarms are asked for every minute.")


class SlackPart(_Part):
    """How Lifeboat behaves in Slack."""

    fallback_channel: str | None = Field(default=None, description="Channel id used when no channel can be created.")
    private: bool = Field(default=False, description="Make incident channels private.")


def _group(written: str) -> str:
    if not re.fullmatch(r"S[A-Z0-9]+", written):
        what = phrase(N_("{value} is not the id of a Slack user group."), value=shown(written))
        raise BadValue(what, phrase(N_("In Slack, open the group, then ⋮ and Copy group ID: such as S0123ABC.")))
    return written


class Role(_Part):
    """Who may decide about playbooks: whoever is named in any of these. Written as a list, they are people."""

    people: tuple[str, ...] = Field(default=(), description="Names of people.yaml.")
    on_call: tuple[str, ...] = Field(default=(), description="Schedules: whoever is on call in them at that moment.")
    slack_groups: tuple[Annotated[str, AfterValidator(_group)], ...] = Field(
        default=(), description="Ids of Slack user groups, such as S0123ABC."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.people or self.on_call or self.slack_groups):
            todo = phrase(N_("Name people, schedules (on_call) or slack_groups, or remove the role."))
            raise BadValue(phrase(N_("nobody has this role.")), todo)
        return self


class HeartbeatPart(_Part):
    """A sign of life to CloudWatch: an alarm on missing data reports Lifeboat itself dead."""

    regions: tuple[str, ...] = Field(default=(), description="Where it is put each minute. Empty: nowhere.")
    namespace: str = Field(
        default="Lifeboat", pattern=r"^[^:][^\x00-\x1f]{0,254}$", description="CloudWatch namespace."
    )


_REGION = r"^[a-z]{2}(-[a-z]+)+-\d{1,2}$"
_NUMBER = r"^\+[1-9]\d{6,14}$"


class SmsPart(_Part):
    """Text messages beside SNS."""

    sender: str = Field(
        default="",
        description="AWS End User Messaging's phone number, pool or sender id: the second way. Empty: SNS alone.",
    )


class EmailPart(_Part):
    """Emails through SES."""

    sender: str = Field(alias="from", description="An address that SES has verified in each of the regions.")


class VoicePart(_Part):
    """A Connect instance that calls people."""

    region: str = Field(pattern=_REGION, description="Where the instance is.")
    instance: str = Field(min_length=1, max_length=100, description="Its id.")
    flow: str = Field(min_length=1, max_length=500, description="The contact flow that reads the incident out.")
    number: str = Field(pattern=_NUMBER, description="The number that calls: +1…, claimed in the instance.")


class ContactPart(_Part):
    """How people are reached beside Slack."""

    regions: tuple[Annotated[str, Field(pattern=_REGION)], ...] = Field(
        default=(),
        description="Where pages are sent from: when the first refuses, the next is used. Empty: Lifeboat's own.",
    )
    sms: SmsPart = SmsPart()
    email: EmailPart | None = Field(default=None, description="Left out, nobody is paged by email.")
    voice: tuple[VoicePart, ...] = Field(
        default=(), description="Instances that call, in the order in which they are tried."
    )


def _people_alone(written: Any) -> Any:
    return {"people": written} if isinstance(written, list | tuple) else written


class AutomaticPart(_Part):
    """Whether playbooks that allow it may start without a person. Off until the organisation says so."""

    enabled: bool = Field(default=False, description="Whether any playbook may start by itself.")
    per_hour: int = Field(
        default=3, ge=1, le=100, description="At most so many automatic runs in an hour, of all playbooks."
    )
    freeze: tuple[Freeze, ...] = Field(default=(), description="Windows in which nothing starts by itself.")


class Config(_Part):
    """All of lifeboat.yaml."""

    language: Literal["en", "ko"] = Field(default="en", description="For texts whose reader is not known.")
    zone: str = Field(default="UTC", description="IANA time zone for readers whose own is not known.")
    region: str = Field(default="us-east-1", description="The region Lifeboat itself works from.")
    account: str | None = Field(
        default=None, pattern=r"^\d{12}$", description="Twelve digits: refuse to act in any other AWS account."
    )
    targets: Targets = Targets()
    sources: Sources = Sources()
    services: Mapping[str, Service] = Field(default_factory=dict)
    default_policy: str = Field(default="default", description="Policy for alarms that belong to no service.")
    slack: SlackPart = SlackPart()
    contact: ContactPart = ContactPart()
    heartbeat: HeartbeatPart = HeartbeatPart()
    public_url: str | None = Field(
        default=None,
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)(:|/|$))",
        description="Where people's phones reach this Lifeboat, for links in emails: https://dr.example.com",
    )
    automatic: AutomaticPart = AutomaticPart()
    commands: Mapping[Annotated[str, Field(pattern="^(restore|evacuate|failover|failback)$")], str] = Field(
        default_factory=dict, description="Your own playbook for a command of /dr, such as failover: our-failover."
    )
    roles: Mapping[
        str, Annotated[Role, BeforeValidator(_people_alone, json_schema_input_type=Role | tuple[str, ...])]
    ] = Field(
        default_factory=dict,
        description="Who may approve playbooks, and decide in their runs. Without responder: everybody in people.yaml.",
    )
    escalation_folder: Path | None = Field(
        default=None, description="Folder of people.yaml, schedules.yaml, policies.yaml."
    )
    playbook_folders: tuple[Path, ...] = Field(
        default=(), description="Folders of your own playbooks, beside the shipped ones."
    )

    def service(self, name: str | None) -> Service:
        """The service of that name; for None or an unknown name, one with nothing but defaults."""
        return self.services.get(name or "", Service(policy=self.default_policy))


def find(path: Path | None) -> Path:
    """Where lifeboat.yaml is: the given path, else ./lifeboat.yaml, else the built-in example."""
    return path or (Path("lifeboat.yaml") if Path("lifeboat.yaml").exists() else EXAMPLE)


def load(file: Path) -> Config:
    """Read lifeboat.yaml. Raises `BadFile`, `BadFiles`."""
    document = read(file)
    config = document.parse(Config, document.values or {})
    _check_zone(document, config)
    here = file.resolve().parent
    return config.model_copy(
        update={
            "escalation_folder": here / config.escalation_folder if config.escalation_folder else ESCALATION,
            "playbook_folders": (PLAYBOOKS, *(here / folder for folder in config.playbook_folders)),
        }
    )


def _check_zone(document: Document, config: Config) -> None:
    from zoneinfo import available_timezones  # noqa: PLC0415  # reads a folder; needed only here

    if config.zone not in available_timezones():
        todo = phrase(N_("Use an IANA name such as Asia/Seoul."))
        raise BadFiles(
            [document.problem(("zone",), phrase(N_("there is no time zone {zone}."), zone=config.zone), todo)]
        )


def check_names(file: Path, config: Config, directory: Directory) -> None:
    """Every policy, person and schedule that lifeboat.yaml names must exist. Raises `BadFiles` with the place of each that does not."""
    document = read(file)
    places: list[tuple[Path_, str, Mapping[str, Any]]] = [
        (("default_policy",), config.default_policy, directory.policies),
        *((("services", name, "policy"), one.policy, directory.policies) for name, one in config.services.items()),
        *_names_in_roles(document, config, directory),
    ]
    problems = [
        document.problem(path, phrase(N_("{name} names nothing."), name=name), suggestion(name, known))
        for path, name, known in places
        if name not in known
    ]
    if problems:
        raise BadFiles(problems)


def _names_in_roles(
    document: Document, config: Config, directory: Directory
) -> Iterator[tuple[Path_, str, Mapping[str, Any]]]:
    for name, role in config.roles.items():
        here: Path_ = ("roles", name)
        people = here if isinstance(document.values["roles"][name], list) else (*here, "people")
        yield from (((*people, at), person, directory.people) for at, person in enumerate(role.people))
        yield from (((*here, "on_call", at), one, directory.schedules) for at, one in enumerate(role.on_call))


def schema() -> dict[str, Any]:
    """The JSON Schema of lifeboat.yaml, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lifeboat.yaml",
        **Config.model_json_schema(),
    }
