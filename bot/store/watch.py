"""The invariants of our own rows, as queries that run in production too: what must never be true for long."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, and_, exists, func, or_, select

from bot.jobs import ESCALATE, PLAN_RUN, RUN_TIMER, STEP, URGENT, Lane
from bot.store.incidents import pages_without_a_job
from bot.store.statements import Statements
from bot.store.tables import IncidentRow, JobRow, RunRow, StepRow

_jobs: Table = JobRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_incidents: Table = IncidentRow.__table__  # type: ignore[attr-defined]  # as above
_runs: Table = RunRow.__table__  # type: ignore[attr-defined]  # as above
_steps: Table = StepRow.__table__  # type: ignore[attr-defined]  # as above

#: How long each may last before it counts as stuck; a lease and a retry fit well within.
_PATIENCE = timedelta(seconds=60)


#: A run in one of these has a step that moves, or waits for a person.
_MOVING = ("running", "undoing")


class Watch:
    """The queries inside one transaction."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.before = connection, now - _PATIENCE

    async def stuck(self) -> Sequence[str]:
        """One line for each row that breaks an invariant; empty is right."""
        found: list[str] = []
        for says, query in self._invariants():
            found += [f"{says}: {row[0]}" for row in await self.connection.execute(query.limit(20))]
        return found

    async def load(self) -> tuple[int, Mapping[Lane, int]]:
        """(open incidents, jobs that are overdue in each lane), for health and metrics."""
        open_ones = await self.connection.execute(
            select(func.count()).select_from(_incidents).where(_incidents.c.status != "resolved")
        )
        rows = await self.connection.execute(
            select(_jobs.c.lane, func.count().label("late")).where(self._overdue()).group_by(_jobs.c.lane)
        )
        overdue = {row.lane: row.late for row in rows}
        return open_ones.scalar_one(), {lane: overdue.get(int(lane), 0) for lane in Lane}

    def _overdue(self) -> Any:
        free = or_(_jobs.c.leased_until.is_(None), _jobs.c.leased_until < self.before)
        return and_(_jobs.c.state == "waiting", _jobs.c.due_at < self.before, free)

    def _invariants(self) -> Sequence[tuple[str, Select[Any]]]:
        urgent = _jobs.c.lane.in_([int(lane) for lane in URGENT])
        return (
            ("a job was given up", select(_jobs.c.id).where(_jobs.c.state == "dead")),
            ("a job is overdue", select(_jobs.c.id).where(self._overdue(), urgent)),
            ("a page is due and nothing sends it", pages_without_a_job(self.before)),
            ("an incident is open and nothing escalates it", self._incidents_without_a_timer()),
            ("a run waits for its plan and nothing makes it", self._runs_without_a_plan()),
            ("a step runs and nothing looks at it", self._steps_without_a_job()),
            ("a run goes on and none of its steps does", self._runs_without_a_step()),
            ("a run waits and nothing ends its waiting", self._runs_without_a_timer()),
        )

    def _incidents_without_a_timer(self) -> Select[Any]:
        job = exists().where(
            _jobs.c.kind == ESCALATE.name,
            _jobs.c.payload["incident"].as_string() == _incidents.c.id,
            _jobs.c.payload["timer"].as_integer() == _incidents.c.timer,
        )
        waiting = and_(_incidents.c.status == "open", _incidents.c.exhausted.is_(False))
        return select(_incidents.c.id).where(waiting, _incidents.c.started_at < self.before, ~job)

    def _runs_without_a_plan(self) -> Select[Any]:
        job = exists().where(_jobs.c.kind == PLAN_RUN.name, _jobs.c.payload["run"].as_string() == _runs.c.id)
        return select(_runs.c.id).where(_runs.c.status == "planning", _runs.c.requested_at < self.before, ~job)

    def _steps_without_a_job(self) -> Select[Any]:
        job = exists().where(
            _jobs.c.kind == STEP.name,
            _jobs.c.payload["run"].as_string() == _steps.c.run,
            _jobs.c.payload["step"].as_string() == _steps.c.step,
            _jobs.c.payload["attempt"].as_integer() == _steps.c.attempt,
        )
        element = _steps.alias()
        elements = exists().where(
            element.c.run == _steps.c.run, element.c.of == _steps.c.step, element.c.step != _steps.c.step,
            element.c.undoes.is_(None),
        )  # fmt: skip
        return (
            select(_steps.c.run + "/" + _steps.c.step)
            .join(_runs, _runs.c.id == _steps.c.run)
            .where(_steps.c.state == "running", _runs.c.status.in_(_MOVING), _steps.c.started_at < self.before)
            .where(~job, ~elements)
        )

    def _runs_without_a_step(self) -> Select[Any]:
        moving = exists().where(_steps.c.run == _runs.c.id, _steps.c.state.in_(("running", "asking")))
        return select(_runs.c.id).where(_runs.c.status.in_(_MOVING), _runs.c.started_at < self.before, ~moving)

    def _runs_without_a_timer(self) -> Select[Any]:
        """A plan that never expires, an announced run that never starts, a run that never comes to its deadline."""
        timer = exists().where(_jobs.c.kind == RUN_TIMER.name, _jobs.c.payload["run"].as_string() == _runs.c.id)
        waits = _runs.c.status.in_(("planned", "announced", "running", "needs_person"))
        # What is being taken back, or was to be, has no deadline of its own: each undo has.
        going_back = exists().where(_steps.c.run == _runs.c.id, _steps.c.undoes.is_not(None))
        return select(_runs.c.id).where(waits, _runs.c.planned_at < self.before, ~timer, ~going_back)
