"""A run of a playbook and its steps, as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.errors import N_

RunStatus = Literal[
    "planning", "planned", "announced", "running", "needs_person", "undoing",
    "succeeded", "undone", "failed", "aborted", "refused", "expired",
]  # fmt: skip
StepStatus = Literal["waiting", "running", "asking", "done", "failed", "skipped", "aborted"]

#: What a person reads for a status.
STATUS_NAMES: Mapping[RunStatus, str] = {
    "planning": N_("being planned"), "planned": N_("waiting for approval"), "announced": N_("about to start by itself"),
    "running": N_("running"), "needs_person": N_("waiting for a person"), "undoing": N_("being taken back"),
    "succeeded": N_("done"), "undone": N_("taken back"), "failed": N_("failed"), "aborted": N_("aborted"),
    "refused": N_("refused"), "expired": N_("expired"),
}  # fmt: skip

#: A run in one of these is over. One of them may still be undone.
ENDED: frozenset[RunStatus] = frozenset({"succeeded", "undone", "failed", "aborted", "refused", "expired"})
#: A run in one of these changes AWS, or is about to: it holds its resources, and its incident cannot be resolved.
GOING: frozenset[RunStatus] = frozenset({"announced", "running", "needs_person", "undoing"})
#: A run in one of these has rows that people may have a word on.
PRESSABLE: frozenset[RunStatus] = GOING - {"announced"}
#: A run in one of these may be taken back, as far as something has happened: nothing of it runs.
AT_REST: frozenset[RunStatus] = frozenset({"needs_person", "succeeded", "failed", "aborted", "undone"})


class Approval(BaseModel):
    """Who agreed to exactly this plan, and when. `via`: the login at the terminal, empty for Slack."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    plan_hash: str
    via: str = ""


class Run(BaseModel):
    """One run, frozen when it was asked for: `playbook` and `context` are stored with it, and later edits do not reach it.

    `plan_hash` is what an approval is bound to. `problem` is a stored phrase that says why it was refused or failed, and
    `failed_step` names the step when one is to blame. `automatic`: nobody asked for it; `starts_at` is when it begins
    unless somebody stops it. `deadline_at`: then no step starts any more, and those that run have failed. `requested_via`:
    the login at the terminal, as in an approval.
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
    failed_step: str | None = None
    automatic: bool = False
    requested_by: str
    requested_via: str = ""
    requested_at: datetime
    planned_at: datetime | None = None
    approvals: tuple[Approval, ...] = ()
    starts_at: datetime | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    ended_at: datetime | None = None
    aborted_by: str | None = None
    undone_by: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def going(self) -> bool:
        return self.status in GOING


class Step(BaseModel):
    """One row of a run: a step of its playbook, one element of a `for_each`, or the undo of one of these.

    `step` names the row (`restore`, `evacuate[2]`, `undo:restore`), `of` the playbook's step behind it. `item` is the
    element's item; `undoes` names the row that an undo takes back. `attempt` counts from 1, `retries` those that nobody
    asked for. `params`, `before` are its intent, written before the first call, and `happened` numbers the intents of a
    run in the order in which they were written. `acting` is written before each `act` and taken back when AWS has said no:
    while it stands, nobody knows. `acted` says that `act` has returned once, so that only looking remains; `answer` is a
    person's word on what the action asked, spent when `act` is told; `note`, a stored phrase, is the latest word.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    step: str
    of: str = ""
    position: int
    state: StepStatus = "waiting"
    attempt: int = 0
    retries: int = 0
    item: Any = None
    undoes: str | None = None
    happened: int | None = None
    params: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    acting: bool = False
    acted: bool = False
    answer: Literal["yes", "no"] | None = None
    memory: Mapping[str, Any] = Field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    note: Mapping[str, Any] | None = None
    question: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    ended_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""

    @property
    def written(self) -> str:
        """The playbook's step behind this row."""
        return self.of or self.step

    @property
    def is_element(self) -> bool:
        return self.undoes is None and self.of not in {"", self.step}

    @property
    def over(self) -> bool:
        return self.state in {"done", "skipped"}
