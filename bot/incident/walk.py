"""One verb's walk over a run: its rows are read once, changed as values, and written together with what follows.

`stepping.py` decides how a walk goes on; `undoing.py` how it goes back. Nothing here asks AWS.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from bot.errors import Phrase
from bot.incident import automatic_rules
from bot.incident.ports import Tx
from bot.incident.run import PRESSABLE, Run, Step
from bot.incident.timeline import Entry, entry, store
from bot.jobs import DRAW_CARD, DRAW_RUN, RUN_TIMER, SAY, STEP, NewJob
from bot.playbook import graph, inputs
from bot.playbook.context import Context
from bot.playbook.model import DEFAULT_DEADLINE, Playbook
from bot.playbook.plan import Plan, PlannedStep, from_json, planned_step
from bot.playbook.rendering import Outputs, Values
from bot.playbook.stored import canonical, decode

#: A row in one of these needs somebody.
_WAITS = frozenset({"asking", "failed"})
#: How long the last calls of a run that was stopped may still be on their way.
LAST_CALLS = timedelta(seconds=30)


class Walk:
    """A run, its playbook and rows, and what is to be written when the verb is done."""

    def __init__(self, tx: Tx, run: Run, rows: Sequence[Step]) -> None:
        self.tx, self.run, self.now = tx, run, tx.now
        self.playbook, self.context = playbook_of(run), Context.model_validate(run.context)
        self.rows = {row.step: row for row in rows}
        self.jobs: list[NewJob] = []
        self.entries: list[Entry] = []
        self._stored, self._stored_run = dict(self.rows), run

    @classmethod
    async def open(cls, tx: Tx, run_id: str) -> "Walk":
        """The run, locked until the transaction ends. Raises `NotFound`."""
        run = await tx.runs.get(run_id)
        return cls(tx, run, await tx.runs.steps(run_id))

    @property
    def states(self) -> dict[str, graph.StepState]:
        """The states of the playbook's own steps, for `graph`."""
        return {step.id: self.rows[step.id].state for step in self.playbook.steps}

    @cached_property  # a run's inputs are frozen
    def values(self) -> Values:
        """The typed inputs."""
        return inputs.fill(self.playbook, self.context, self.run.inputs).values

    @property
    def outputs(self) -> Outputs:
        """What the steps that are over gave; nothing, for those that were left out."""
        over = (self.rows[step.id] for step in self.playbook.steps)
        return {row.step: decode(dict(row.output or {})) for row in over if row.over}

    def elements(self, step: str) -> list[Step]:
        """The rows of a `for_each` step's elements, in the order of the list."""
        found = [row for row in self.rows.values() if row.is_element and row.of == step]
        return sorted(found, key=lambda row: int(row.step.rpartition("[")[2].rstrip("]")))

    @property
    def undos(self) -> list[Step]:
        """The rows that take something back, in their order."""
        return sorted((row for row in self.rows.values() if row.undoes), key=lambda row: row.position)

    def put(self, row: Step, **changes: Any) -> Step:
        """The row as it is from now on."""
        row = row.model_copy(update=changes)
        self.rows[row.step] = row
        return row

    def begin(self, row: Step) -> None:
        """A new attempt with a clean memory; its deadline starts now, and is never after the run's.

        That an earlier one may have had its effect stays known until the new one has its own intent: it can be taken back.
        """
        attempt = row.attempt + (row.state not in {"asking", "running"})
        deadline = self.now + (self.playbook.step(row.written).time_limit or DEFAULT_DEADLINE)
        if self.run.deadline_at and not row.undoes:
            deadline = min(deadline, self.run.deadline_at)
        begun = Step(
            run=row.run, step=row.step, of=row.of, position=row.position, item=row.item, undoes=row.undoes,
            attempt=attempt, state="running", started_at=self.now, deadline_at=deadline,
            decided_by=row.decided_by, reason=row.reason, happened=row.happened, before=row.before,
        )  # fmt: skip
        self.step_job(self.put(begun))

    def change(self, **changes: Any) -> None:
        """The run as it is from now on."""
        self.run = self.run.model_copy(update=changes)

    def note(self, kind: str, what: Phrase, by: str = "") -> None:
        """A line for the timeline."""
        self.entries.append(entry(self.run.incident, self.now, kind, what, by))

    def end(self, status: str, why: Phrase | None = None, step: str | None = None) -> None:
        """The run is over; `step` is to blame."""
        self.change(status=status, ended_at=self.now, failed_step=step, problem=store(why) if why else None)

    def step_job(self, row: Step, due: datetime | None = None) -> None:
        """The next call for this row."""
        what = {"run": row.run, "step": row.step, "attempt": row.attempt}
        self.jobs.append(NewJob(STEP, what, due, key=f"step:{row.run}/{row.step}/{row.attempt}"))

    def timer(self, what: str, due: datetime) -> None:
        """Wake the run up: `expire`, `start`, `deadline`."""
        payload = {"run": self.run.id, "what": what}
        self.jobs.append(NewJob(RUN_TIMER, payload, due, key=f"timer:{self.run.id}:{what}:{due.isoformat()}"))

    async def close(self) -> Run:
        """Write what has changed."""
        changed = [row for name, row in self.rows.items() if name in self._stored and self._stored[name] != row]
        await self.tx.runs.save_steps(*changed)
        await self.tx.runs.add_steps(*(row for name, row in self.rows.items() if name not in self._stored))
        if self.run != self._stored_run:
            await self.tx.runs.save(self.run)
            self.jobs.append(NewJob(DRAW_CARD, {"incident": self.run.incident}, key=f"card:{self.run.incident}"))
        if self.run.ended and not self._stored_run.ended:
            self.jobs += automatic_rules.over(self.run)
            await self.tx.runs.unlock(self.run.id, self.now + LAST_CALLS if self._calls_may_be_out else None)
        self.jobs += [self._tell(row) for row in changed if self._is_news(row)]
        await self.tx.notes.write(*self.entries)
        await self.tx.jobs.add(*self.jobs, NewJob(DRAW_RUN, {"run": self.run.id}, key=f"run:{self.run.id}"))
        return self.run

    @property
    def _calls_may_be_out(self) -> bool:
        """Whether a call may still be on its way although the run is over: it was aborted, or its time was up."""
        return any(row.state == "running" for row in self._stored.values()) and self.run.status in {"aborted", "failed"}

    def _is_news(self, row: Step) -> bool:
        """Whether the row has just come to wait for a person. An edit of the run's message would ring nobody's phone."""
        before = self._stored[row.step]
        waits = row.state in _WAITS and (row.state, row.attempt) != (before.state, before.attempt)
        return waits and not self.run.ended and not any(one.state in _WAITS for one in self.elements(row.step))

    def _tell(self, row: Step) -> NewJob:
        what = {"incident": self.run.incident, "what": "waits", "run": row.run, "row": row.step, "attempt": row.attempt}
        return NewJob(SAY, what)


def playbook_of(run: Run) -> Playbook:
    """The playbook as it was when the run was asked for."""
    return _playbook(_Frozen(run.playbook))


class _Frozen:
    """A mapping that is never changed, told from others by being the very same one: the store gives it back as it was."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self.mapping = mapping

    def __hash__(self) -> int:
        return id(self.mapping)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and self.mapping is other.mapping


@lru_cache(maxsize=64)  # a run asks for its frozen playbook at every step
def _playbook(frozen: _Frozen) -> Playbook:
    return Playbook.model_validate_json(canonical(dict(frozen.mapping)))


def plan_of(run: Run) -> Plan | None:
    """The stored plan, once it is made."""
    return from_json(run.plan) if run.plan else None


def planned_of(run: Run, row: str) -> PlannedStep | None:
    """What was planned for one row. The others, of which a wide graph has many, are not looked at."""
    if not run.plan:
        return None
    own = [step for step in run.plan["steps"] if step["step"] == row.partition("[")[0]]
    return planned_step(from_json({**run.plan, "steps": own}), row)


def going_back(rows: Iterable[Step]) -> bool:
    """Whether the run is being taken back: then its own steps no longer go on."""
    return any(row.undoes and not row.over and row.state != "aborted" for row in rows)


def presses(run: Run, rows: Sequence[Step]) -> Mapping[str, tuple[graph.Event, ...]]:
    """What a person may press on each row now; rows without a button are left out."""
    if run.status not in PRESSABLE:
        return {}
    if going_back(rows):
        return _found((row for row in rows if row.undoes), {})
    playbook = playbook_of(run)
    own = {row.step: row.state for row in rows if not row.is_element and not row.undoes}
    return _found((row for row in rows if not row.undoes), graph.allowed(playbook, own))


def _found(rows: Any, allowed: Mapping[str, tuple[graph.Event, ...]]) -> dict[str, tuple[graph.Event, ...]]:
    found = {row.step: _loose(row) or allowed.get(row.step, ()) for row in rows}
    return {step: events for step, events in found.items() if events}


def _loose(row: Step) -> tuple[graph.Event, ...]:
    """The buttons that do not depend on the graph: of an action's own question, of an element, of an undo."""
    if row.state == "asking" and row.question:
        return ("yes", "no")
    if row.state == "failed" and (row.is_element or row.undoes):
        return ("retry", "skip")
    return ()
