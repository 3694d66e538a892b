"""What a playbook knows of the world when it is started: the incident, its alarm, its service. Frozen with the run.

The models read attributes, so `AlarmFacts.model_validate(alarm)` takes a `bot.incident.alarm.Alarm` as it is. They are
JSON both ways (`model_dump_json`, `model_validate_json`): the run stores the context it was planned with.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class _Seen(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class IncidentFacts(_Seen):
    """What templates see as `incident`."""

    id: str
    started_at: AwareDatetime
    title: str = ""
    service: str = ""
    region: str = ""


class AlarmFacts(_Seen):
    """What templates see as `alarm`, and what `offer_when` is compared with."""

    name: str
    region: str = ""
    account: str = ""
    arn: str = ""
    resource: str | None = None
    namespace: str = ""
    metric: str = ""
    dimensions: Mapping[str, str] = Field(default_factory=dict)
    changed_at: datetime | None = None


class ServiceFacts(_Seen):
    """What templates see as `service`: the user's service, as lifeboat.yaml describes it."""

    name: str
    parameters: Mapping[str, str] = Field(default_factory=dict)
    tags: Mapping[str, str] = Field(default_factory=dict)


class Context(_Seen):
    """Where a playbook starts from. `alarm` is None when the incident was declared by hand.

    `now` is the moment the form was filled in: it is frozen, so that a template says the same in the plan, at the
    step's start, and after a restart. `region` is the one the steps act in; `failing` is the one that they must not ask, ""
    when all are healthy.
    """

    now: AwareDatetime
    region: str
    failing: str = ""
    incident: IncidentFacts
    alarm: AlarmFacts | None = None
    service: ServiceFacts | None = None

    def variables(
        self, inputs: Mapping[str, Any] | None = None, outputs: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, Any]:
        """Everything that a template may name: the inputs by their names, and this context.

        `outputs` holds what each finished step gave. `steps.cut-over` would read as a subtraction in a template, so a
        step is also found as `steps.cut_over`.
        """
        steps = {step: dict(values) for step, values in (outputs or {}).items()}
        under = {step.replace("-", "_"): values for step, values in steps.items()}
        own = self.model_dump()
        return {**(inputs or {}), **own, "steps": {**under, **steps}}


#: Names that an input may not take, because templates know them as something else.
RESERVED = frozenset({*Context.model_fields, "steps", "duration"})

#: What templates may name below `incident`, `alarm` and `service`.
FIELDS: Mapping[str, frozenset[str]] = {
    "incident": frozenset(IncidentFacts.model_fields),
    "alarm": frozenset(AlarmFacts.model_fields),
    "service": frozenset(ServiceFacts.model_fields),
}

#: The fields whose own names depend on the alarm or the service, so that nobody can check them beforehand.
OPEN_FIELDS = frozenset({"dimensions", "parameters", "tags"})
