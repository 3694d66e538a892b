"""An alarm as the core knows it, whoever sent it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from escalation.phrase import Phrase

State = Literal["alarm", "ok", "no_data"]


class Alarm(BaseModel):
    """One state change of one alarm.

    `fingerprint` is what makes two deliveries the same alarm: `account|region|AlarmArn` for CloudWatch, and something as
    stable for every other source. `resource` is the AWS service it is about (`dynamodb`, `ecs`), when that is known.
    `readings` are the datapoints that crossed, newest first. `detail` is what else the source said, for people to read.
    `state` "no_data" says nothing either way (INSUFFICIENT_DATA, a job under way): it neither opens nor clears anything.
    `note` is our own word about it, to be shown in the reader's language, where the source has none; `reason` repeats it
    in English or says more.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    fingerprint: str = Field(min_length=1)
    name: str
    state: State
    reason: str = ""
    note: Phrase | None = None
    description: str = ""
    account: str = ""
    region: str = ""
    arn: str = ""
    changed_at: datetime | None = None
    previous: State | None = None
    resource: str | None = None
    namespace: str = ""
    metric: str = ""
    dimensions: Mapping[str, str] = Field(default_factory=dict)
    comparison: str = ""
    threshold: float | None = None
    period: int | None = None
    readings: tuple[float, ...] = ()
    children: tuple[str, ...] = ()
    suppressed_by: str = ""
    detail: Mapping[str, Any] = Field(default_factory=dict)
