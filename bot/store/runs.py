"""Runs of playbooks and their steps as rows, inside one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, and_, bindparam, delete, func, insert, or_, select, update

from bot.errors import NotFound
from bot.incident.ports import Record
from bot.incident.run import ENDED, GOING, Approval, Run, Step
from bot.store.inserts import unless_there
from bot.store.statements import Statements
from bot.store.tables import LockRow, RunRow, StepRow

_runs: Table = RunRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_steps: Table = StepRow.__table__  # type: ignore[attr-defined]  # as above
_locks: Table = LockRow.__table__  # type: ignore[attr-defined]  # as above

#: How many earlier runs of a playbook say how long the next one takes.
_RECORDS = 20
#: Starts are looked at one after the other, in all replicas (PostgreSQL advisory lock).
_ONE_STARTS = 0x11FEB0A8
#: Built once: to build it takes longer than to run it.
_SAVE_STEP = update(_steps).where(_steps.c.run == bindparam("its_run"), _steps.c.step == bindparam("its_step"))
_OVER = ("succeeded", "undone", "failed", "aborted")


class RunRows:
    """`bot.incident.ports.Runs` over SQL. Getting a run locks it; its steps are only changed under that lock."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.now = connection, now

    async def get(self, run: str) -> Run:
        return await self._one(select(_runs).where(_runs.c.id == run).with_for_update(), run)

    async def peek(self, run: str) -> Run:
        return await self._one(select(_runs).where(_runs.c.id == run), run)

    async def _one(self, statement: Any, run: str) -> Run:
        row = (await self.connection.execute(statement)).first()
        if row is None:
            raise NotFound("run", run)
        return _run(row)

    async def going(self) -> Sequence[Run]:
        if self.connection.dialect.name == "postgresql":
            await self.connection.execute(select(func.pg_advisory_xact_lock(_ONE_STARTS)))
        rows = await self.connection.execute(
            select(_runs).where(_runs.c.status.in_(sorted(GOING))).order_by(_runs.c.id)
        )
        return [_run(row) for row in rows]

    async def of(self, incident: str) -> Sequence[Run]:
        rows = await self.connection.execute(
            select(_runs).where(_runs.c.incident == incident).order_by(_runs.c.requested_at, _runs.c.id)
        )
        return [_run(row) for row in rows]

    async def add(self, run: Run, steps: Sequence[Step]) -> None:
        await self.connection.execute(insert(_runs).values(_values(run)))
        await self.connection.execute(insert(_steps), [step.model_dump() for step in steps])

    async def save(self, run: Run) -> None:
        await self.connection.execute(update(_runs).where(_runs.c.id == run.id).values(_values(run)))

    async def steps(self, run: str) -> Sequence[Step]:
        rows = await self.connection.execute(
            select(_steps).where(_steps.c.run == run).order_by(_steps.c.position, _steps.c.step)
        )
        return [Step.model_validate(row._asdict()) for row in rows]

    async def row(self, run: str, step: str) -> tuple[Step, int]:
        locked = select(_runs.c.id).where(_runs.c.id == run).with_for_update()
        own = select(_steps).where(_steps.c.run == run, _steps.c.step == step)
        if (await self.connection.execute(locked)).first() is None:
            raise NotFound("run", run)
        found = (await self.connection.execute(own)).first()
        if found is None:
            raise NotFound("step", step)
        latest = await self.connection.execute(select(func.max(_steps.c.happened)).where(_steps.c.run == run))
        return Step.model_validate(found._asdict()), latest.scalar_one() or 0

    async def add_steps(self, *steps: Step) -> None:
        if steps:
            statement = unless_there(self.connection.dialect.name, _steps, "run", "step")
            await self.connection.execute(statement, [step.model_dump() for step in steps])

    async def save_steps(self, *steps: Step) -> None:
        if steps:
            rows = [{**step.model_dump(), "its_run": step.run, "its_step": step.step} for step in steps]
            await self.connection.execute(_SAVE_STEP, rows)

    async def lock(self, run: str, resources: Collection[str]) -> Mapping[str, str]:
        """In a fixed order, so that two runs which want the same two things cannot wait for each other."""
        if not (wanted := sorted(resources)):
            return {}
        await self.connection.execute(delete(_locks).where(_locks.c.free_at <= self.now))
        statement = unless_there(self.connection.dialect.name, _locks, "resource")
        await self.connection.execute(statement, [{"resource": one, "run": run, "free_at": None} for one in wanted])
        held = await self.connection.execute(select(_locks).where(_locks.c.resource.in_(wanted)))
        others = {row.resource: row.run for row in held if row.run != run}
        ours = and_(_locks.c.run == run, _locks.c.resource.in_(wanted))
        await self.connection.execute(update(_locks).where(ours).values(free_at=None))
        return others

    async def unlock(self, run: str, free_at: datetime | None = None) -> None:
        ours = _locks.c.run == run
        if free_at is None:
            await self.connection.execute(delete(_locks).where(ours))
        else:
            await self.connection.execute(update(_locks).where(ours).values(free_at=free_at))

    async def unfinished(self) -> Sequence[Run]:
        rows = await self.connection.execute(
            select(_runs).where(_runs.c.status.not_in(sorted(ENDED))).order_by(_runs.c.requested_at, _runs.c.id)
        )
        return [_run(row) for row in rows]

    async def automatic_since(self, at: datetime) -> Sequence[Run]:
        rows = await self.connection.execute(
            select(_runs).where(_runs.c.automatic, _runs.c.requested_at >= at).order_by(_runs.c.requested_at)
        )
        return [_run(row) for row in rows]

    async def records(self, names: Collection[str]) -> Mapping[str, Sequence[Record]]:
        return {name: await self._records(name) for name in names}

    async def _records(self, name: str) -> Sequence[Record]:
        latest = (
            select(_runs.c.id, _runs.c.status, _runs.c.started_at, _runs.c.ended_at)
            .where(_runs.c.name == name, _runs.c.status.in_(_OVER), _runs.c.started_at.is_not(None))
            .order_by(_runs.c.ended_at.desc())
            .limit(_RECORDS)
        )
        runs = (await self.connection.execute(latest)).all()
        steps = await self.connection.execute(
            select(_steps.c.run, _steps.c.step, _steps.c.started_at, _steps.c.ended_at).where(
                _steps.c.run.in_([run.id for run in runs]), _steps.c.state == "done", _steps.c.undoes.is_(None),
                or_(_steps.c.of == "", _steps.c.of == _steps.c.step), _steps.c.started_at.is_not(None),
            )
        )  # fmt: skip
        took: dict[str, dict[str, Any]] = {}
        for step in steps:
            took.setdefault(step.run, {})[step.step] = step.ended_at - step.started_at
        return [
            Record(run.status, run.ended_at - run.started_at if run.ended_at else None, took.get(run.id, {}))
            for run in runs
        ]


def _run(row: Row[Any]) -> Run:
    """What we wrote ourselves is not judged again, and its frozen parts stay the very same objects (`walk.playbook_of`)."""
    values = row._asdict()
    approvals = tuple(Approval.model_validate(approval) for approval in values.pop("approvals"))
    return Run.model_construct(**values, approvals=approvals)


def _values(run: Run) -> dict[str, Any]:
    return run.model_dump(exclude={"approvals"}) | {"approvals": [a.model_dump(mode="json") for a in run.approvals]}
