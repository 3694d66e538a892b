"""The vocabulary of a playbook's YAML, as frozen models. `playbooks/*.yaml` are its examples.

These models say which fields there are and which values they take. What needs more than one field to judge (cycles,
two steps of one name) is in `structure.py`; what needs the tables of actions and checks is in `lint.py`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.errors import FailureKind
from escalation.duration import Duration

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
InputName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Kind = Literal["check", "action", "ask", "manual"]

#: The kinds of value that inputs have, and that actions declare for their outputs.
ValueType = Literal[
    "str",
    "int",
    "number",
    "bool",
    "time",
    "duration",
    "region",
    "zone",
    "list",
    "dynamodb.table",
    "ecs.cluster",
    "ecs.service",
    "ecs.services",
    "dynamodb.tables",
    "autoscaling.groups",
    "rds.cluster",
    "rds.global_cluster",
    "elasticache.group",
    "elb.load_balancers",
    "s3.bucket",
    "ssm.parameter",
    "url",
]

#: How long a check or an action may take when its step does not say.
DEFAULT_DEADLINE = timedelta(minutes=15)
#: How long a run may take when its playbook does not say: it never hangs for ever.
DEFAULT_RUN_DEADLINE = timedelta(hours=12)


class Part(BaseModel):
    """A part of a playbook: unknown fields are refused, and JSON uses the words of the YAML (`from`, `with`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class LocalText(Part):
    """A text that people read, in every language we speak."""

    en: str = Field(min_length=1, description="English.")
    ko: str = Field(min_length=1, description="Korean.")

    def for_reader(self, language: str) -> str:
        """The text in the language nearest to the reader's; `ko-KR` and `fr` are fine to pass."""
        return self.ko if language.replace("_", "-").split("-")[0].lower() == "ko" else self.en


class OfferWhen(Part):
    """When the playbook is offered on an incident's card: every condition that is given must hold."""

    resource: str | None = Field(None, description="The AWS service that the alarm is about, such as `dynamodb`.")
    namespace: str | None = Field(None, description="The metric's namespace, such as `AWS/ECS`.")
    metric: str | None = Field(None, description="The metric's name.")
    alarm: str | None = Field(None, description="A pattern for the alarm's name: `orders-*`, with `*` and `?`.")
    service: str | None = Field(None, description="The name of a service in lifeboat.yaml.")
    tags: Mapping[str, str] = Field(default_factory=dict, description="Tags that the service must carry.")


class Targets(Part):
    """What the playbook promises."""

    rto: Duration = Field(description="Time until the service works again, such as `30m`.")
    rpo: Duration = Field(description="How much of the latest data may be lost, such as `5m`.")
    caveat: LocalText | None = Field(
        None,
        description="Why the targets may be missed: needed when the deadlines, or the honest figures of the "
        "mechanism, exceed them. Whoever approves reads it.",
    )


class Regions(Part):
    """Where a playbook of tier 3 acts, and the region that it must not ask anything."""

    acting: str = Field(description="The region that its steps act in: a name, or a template of the inputs.")
    failing: str = Field(
        description="The region that is failing: no step calls it. `none` when both are healthy, as in a failback."
    )


class Automatic(Part):
    """When the playbook may start without a person. Never for tier 3."""

    signals: int = Field(2, ge=2, le=10, description="How many independent alarms must agree.")
    steady_for: Duration = Field(timedelta(minutes=2), description="How long each of them must have been raised.")
    per_hour: int = Field(1, ge=1, le=20, description="At most so many automatic runs of this playbook in an hour.")
    announce: Duration = Field(
        timedelta(minutes=1), description="How long the channel can stop it between the announcement and the start."
    )


class Input(Part):
    """One value that the person who starts the playbook may change in the form."""

    type: ValueType = Field(description="What kind of value it is; it decides the form's field and the checks.")
    source: str | None = Field(
        None, alias="from", description="A dotted name to take it from, such as `alarm.dimensions.TableName`."
    )
    default: str | bool | int | float | tuple[str, ...] | None = Field(
        None, description="A value or a template, used when `from` gives nothing."
    )
    title: LocalText | None = Field(None, description="The label in the form; the input's name when it is left out.")
    help: LocalText | None = Field(None, description="A sentence below the field.")
    choices: tuple[str, ...] = Field((), description="The only values that may be given.")
    required: bool = Field(True, description="Whether the playbook can do without it.")


class Approval(Part):
    """Who must agree to the plan before anything runs."""

    people: int = Field(1, ge=0, le=10, description="How many people must approve.")
    role: str = Field("responder", min_length=1, description="The role in lifeboat.yaml that they must have.")
    expires: Duration = Field(timedelta(minutes=10), description="How long the plan waits before it is void.")
    not_requester: bool | None = Field(
        None,
        description="Whether whoever asked for the run may not approve it. Left out: yes where two people are needed, "
        "and for tier 3.",
    )


class Undo(Part):
    """The action that takes a step back. Its templates may also use the step's own outputs."""

    action: str = Field(description="The name of an action.")
    parameters: Mapping[str, Any] = Field(default_factory=dict, alias="with", description="Its parameters.")


class ForEach(Part):
    """One element of the step for each item of a list, some of them side by side."""

    items: str | tuple[str, ...] = Field(alias="in", description="The list, or a template that gives one.")
    name: InputName = Field("item", alias="as", description="What templates of this step call the item.")
    batch: int = Field(1, ge=1, le=100, description="How many elements run side by side.")
    stop_after: int = Field(
        1, ge=1, le=1000, description="After so many failed elements no further one starts, and the step fails."
    )


class Retry(Part):
    """When a failed step is tried again without a person. Its deadline goes on: it is for all tries together."""

    times: int = Field(ge=1, le=20, description="How many further tries.")
    wait: Duration = Field(timedelta(seconds=10), description="How long before each of them.")
    on: tuple[FailureKind, ...] = Field(
        ("throttled", "unavailable", "conflict"), min_length=1, description="After which kinds of failure."
    )


class Step(Part):
    """One step. It has exactly one of `check`, `action`, `ask`, `manual`; an `ask` may have an `action` for "yes"."""

    id: Name = Field(description="Unique in the playbook.")
    title: LocalText | None = Field(None, description="What people read for it in the run's message.")
    check: str | None = Field(None, description="The name of a check: it only looks, and stops the run on a no.")
    action: str | None = Field(None, description="The name of an action: it changes AWS.")
    ask: LocalText | None = Field(None, description="A question that a person answers with yes or no.")
    manual: LocalText | None = Field(None, description="An instruction that a person follows, then presses Done.")
    parameters: Mapping[str, Any] = Field(
        default_factory=dict, alias="with", description="Parameters of the check or the action; texts may be templates."
    )
    needs: tuple[str, ...] | None = Field(
        None,
        description="The steps that must be over before it. Left out: the step written directly before it. "
        "`[]`: none, it starts at once.",
    )
    deadline: Duration | None = Field(
        None, description="How long the check or the action may take: 15m when it is left out."
    )
    undo: Undo | None = Field(None, description="How its change is taken back.")
    irreversible: LocalText | Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Why its change cannot be taken back. A changing step has this, or `undo`."
    )
    when: str | bool | None = Field(
        None, description="A template that is true or false. False: the step is left out, and what needs it goes on."
    )
    for_each: ForEach | None = Field(None, description="Do it once for each item of a list.")
    retry: Retry | None = Field(None, description="When it is tried again without a person.")
    region: str | None = Field(None, description="The region it acts in, where that is not the playbook's.")
    best_effort: bool = Field(
        False, description="Its failure is recorded and holds up nothing; it alone may call the failing region."
    )
    break_glass: bool = Field(
        False, description="It depends on a global control plane, so a person must allow it when its turn comes."
    )
    takes: Duration | None = Field(None, description="How long it usually takes, for as long as no run has shown it.")

    @property
    def kind(self) -> Kind:
        """What the step begins with: an `ask` with an action is an ask."""
        if self.ask:
            return "ask"
        if self.manual:
            return "manual"
        return "action" if self.action else "check"

    @property
    def uses(self) -> str | None:
        """The name of the check or the action that the step runs, if it runs one."""
        return self.action or self.check

    @property
    def asks_first(self) -> bool:
        """Whether a person must say yes before its action runs."""
        return self.ask is not None or self.break_glass

    @property
    def time_limit(self) -> timedelta | None:
        """How long its check or action may take, from when it begins to act; None when it has neither."""
        return (self.deadline or DEFAULT_DEADLINE) if self.uses else None


class Playbook(Part):
    """A playbook: what to do about one failure. The file is `playbooks/<name>.yaml`."""

    name: Name = Field(description="Unique, and the file's name without `.yaml`.")
    title: LocalText = Field(description="What people read on the button.")
    tier: Literal[1, 2, 3] = Field(description="1 a component, 2 a zone, 3 a region.")
    offer_when: OfferWhen | None = Field(
        None, description="When it is offered on an incident's card. Left out: only when a person asks for it."
    )
    targets: Targets = Field(description="The promised recovery time and data loss.")
    inputs: Mapping[InputName, Input] = Field(default_factory=dict, description="What a person may set before it runs.")
    approval: Approval | None = Field(None, description="Who must approve. Left out: whoever starts it needs nobody.")
    automatic: Automatic | None = Field(None, description="When it may start without a person. Left out: never.")
    regions: Regions | None = Field(None, description="Where it acts and which region is failing; tier 3 needs it.")
    excludes: tuple[str, ...] = Field(
        (), description="Playbooks that may not run while this one does, such as the failback of a failover."
    )
    deadline: Duration | None = Field(None, description="How long the whole run may take: 12h when it is left out.")
    steps: tuple[Step, ...] = Field(min_length=1, description="What is done. What is ready runs side by side.")

    @property
    def time_limit(self) -> timedelta:
        """How long a run may take, from its start."""
        return self.deadline or DEFAULT_RUN_DEADLINE

    @property
    def others_approve(self) -> bool:
        """Whether somebody other than the one who asked must approve."""
        rule = self.approval or Approval()
        return rule.not_requester if rule.not_requester is not None else rule.people >= 2 or self.tier == 3

    def step(self, id: str) -> Step:  # noqa: A002  # the YAML's own word
        """The step of that id; `KeyError` when there is none."""
        for step in self.steps:
            if step.id == id:
                return step
        raise KeyError(id)
