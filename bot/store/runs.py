"""Runs of playbooks and their steps as rows, inside one transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, insert, select, update

from bot.errors import NotFound
from bot.incident.run import Run, Step
from bot.store.statements import Statements
from bot.store.tables import RunRow, StepRow

_runs: Table = RunRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_steps: Table = StepRow.__table__  # type: ignore[attr-defined]  # as above


class RunRows:
    """`bot.incident.ports.Runs` over SQL. Getting a run locks it; its steps are only changed under that lock."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def get(self, run: str) -> Run:
        row = (await self.connection.execute(select(_runs).where(_runs.c.id == run).with_for_update())).first()
        if row is None:
            raise NotFound("run", run)
        return Run.model_validate(row._asdict())

    async def of(self, incident: str) -> Sequence[Run]:
        rows = await self.connection.execute(
            select(_runs).where(_runs.c.incident == incident).order_by(_runs.c.requested_at, _runs.c.id)
        )
        return [Run.model_validate(row._asdict()) for row in rows]

    async def add(self, run: Run, steps: Sequence[Step]) -> None:
        await self.connection.execute(insert(_runs).values(_values(run)))
        await self.connection.execute(insert(_steps), [step.model_dump() for step in steps])

    async def save(self, run: Run) -> None:
        await self.connection.execute(update(_runs).where(_runs.c.id == run.id).values(_values(run)))

    async def steps(self, run: str) -> Sequence[Step]:
        rows = await self.connection.execute(select(_steps).where(_steps.c.run == run).order_by(_steps.c.position))
        return [Step.model_validate(row._asdict()) for row in rows]

    async def save_steps(self, *steps: Step) -> None:
        for step in steps:
            same = (_steps.c.run == step.run, _steps.c.step == step.step)
            await self.connection.execute(update(_steps).where(*same).values(step.model_dump()))


def _values(run: Run) -> dict[str, Any]:
    return run.model_dump(exclude={"approvals"}) | {"approvals": [a.model_dump(mode="json") for a in run.approvals]}
