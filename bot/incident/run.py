"""A run of a playbook and its steps, as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.errors import N_

RunStatus = Literal["planning", "planned", "running", "needs_person", "succeeded", "failed", "aborted", "refused"]
StepStatus = Literal["waiting", "running", "asking", "done", "failed", "skipped", "aborted"]

#: What a person reads for a status.
STATUS_NAMES: Mapping[RunStatus, str] = {
    "planning": N_("being planned"), "planned": N_("waiting for approval"), "running": N_("running"),
    "needs_person": N_("waiting for a person"), "succeeded": N_("done"), "failed": N_("failed"),
    "aborted": N_("aborted"), "refused": N_("refused"),
}  # fmt: skip

#: A run in one of these is over.
ENDED: frozenset[RunStatus] = frozenset({"succeeded", "failed", "aborted", "refused"})


class Approval(BaseModel):
    """Who agreed to exactly this plan, and when."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    plan_hash: str


class Run(BaseModel):
    """One run, frozen when it was asked for: `playbook` and `context` are stored with it, and later edits do not reach it.

    `plan_hash` is what an approval is bound to. `problem` is a stored phrase that says why it was refused or failed.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    incident: str
    name: str
    playbook: Mapping[str, Any]
    inputs: Mapping[str, Any]
    context: Mapping[str, Any]
    plan: Mapping[str, Any] | None = None
    plan_hash: str | None = None
    status: RunStatus = "planning"
    problem: Mapping[str, Any] | None = None
    requested_by: str
    requested_at: datetime
    approvals: tuple[Approval, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    aborted_by: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


class Step(BaseModel):
    """One step of a run. `attempt` counts from 1; `params`, `before` are its intent, written before the first call.

    `acted` says that `act` has returned once, so that only looking remains; `note`, a stored phrase, is the latest word.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    step: str
    position: int
    state: StepStatus = "waiting"
    attempt: int = 0
    params: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    acted: bool = False
    memory: Mapping[str, Any] = Field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    note: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    ended_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
