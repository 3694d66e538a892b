"""Plans runs: the handler of PLAN_RUN. It asks AWS, reading only, what each step would do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bot.errors import ActionFailed, LifeboatError, Unavailable
from bot.incident.hands import Hands, broken
from bot.incident.playbook_runs import PlaybookRuns, playbook_of
from bot.incident.ports import Store, Tx
from bot.incident.run import Run
from bot.jobs import Job
from bot.playbook import plan as planning
from bot.playbook.action import Attempt, Failed, StepPlan
from bot.playbook.context import Context
from bot.playbook.inputs import fill
from bot.playbook.model import Step as PlaybookStep

log = structlog.get_logger()


class Planner:
    """Makes plans; changes nothing."""

    def __init__(self, store: Store, runs: PlaybookRuns, hands: Hands) -> None:
        self.store, self.runs, self.hands = store, runs, hands

    async def plan(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Ask AWS, reading only, what each step would do."""
        run_id = job.payload["run"]
        async with self.store.begin() as tx:
            run = await tx.runs.get(run_id)
        try:
            made = await self.hands.pool(lambda: self._plan(run))
        except Unavailable:
            raise
        except LifeboatError as error:
            why = error.phrase
            return lambda tx: self.runs.plan_failed(tx, run_id, why)
        except Exception as error:  # a defect is told at once: nothing was changed, and somebody waits for the plan
            log.exception("plan.broke", run=run_id)
            said = broken(error)
            return lambda tx: self.runs.plan_failed(tx, run_id, said)
        return lambda tx: self.runs.planned(tx, run_id, made)

    def _plan(self, run: Run) -> planning.Plan:
        playbook, context = playbook_of(run), Context.model_validate(run.context)
        values = fill(playbook, context, run.inputs).values

        def plan_step(step: PlaybookStep, rendered: Mapping[str, Any]) -> StepPlan:
            return self._plan_step(run, context, step, rendered)

        return planning.assemble(playbook, context, values, plan_step)

    def _plan_step(self, run: Run, context: Context, step: PlaybookStep, rendered: Mapping[str, Any]) -> StepPlan:
        used = self.hands.used(step.uses or "")
        params = planning.bind(used.facts.params, rendered, step.id)
        attempt = Attempt(run.incident, run.id, step.id, 1, context.now, context.now)
        aws = self.hands.aws(context, best_effort=step.best_effort)
        if used.facts.kind == "action":
            return self.hands.actions[used.facts.name].plan(params, aws, attempt)
        looked = used.look(params, aws, attempt)
        if isinstance(looked, Failed):
            raise ActionFailed(looked.why)
        return StepPlan()
