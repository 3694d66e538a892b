"""Plans runs and executes their steps: the effects behind `playbook_runs.py`. All of AWS is behind three ports.

One job is one call. `act` runs until it has returned once (`acted`), then only `look`. A crash between the call and its
record runs `act` again, which looks first and adopts what it finds.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import structlog

from bot.errors import N_, ActionFailed, LifeboatError, Phrase, Unavailable, phrase
from bot.incident.playbook_runs import PlaybookRuns, playbook_of
from bot.incident.ports import Store, Tx
from bot.incident.run import Run, Step
from bot.jobs import LEASE, Job
from bot.playbook import plan as planning
from bot.playbook.action import Action, Attempt, Aws, Check, Done, Failed, Params, Progress, StepPlan, Working
from bot.playbook.context import Context
from bot.playbook.inputs import fill
from bot.playbook.model import Step as PlaybookStep
from bot.playbook.stored import decode, encode

Result = TypeVar("Result")
log = structlog.get_logger()


class Pool(Protocol):
    """The bounded thread pool for blocking calls."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]: ...


#: A lease is renewed every quarter of its length, so that half of it is left for certain when it was just looked at.
_MAY_ACT = LEASE.total_seconds() / 2


class StepRunner:
    """The handlers of PLAN_RUN and STEP."""

    def __init__(
        self, store: Store, runs: PlaybookRuns, *, actions: Mapping[str, Action], checks: Mapping[str, Check],
        aws: Callable[[str], Aws], pool: Pool,
    ) -> None:  # fmt: skip
        self.store, self.runs, self.actions, self.checks, self.aws, self.pool = store, runs, actions, checks, aws, pool

    async def plan(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Ask AWS, reading only, what each step would do."""
        run_id = job.payload["run"]
        async with self.store.begin() as tx:
            run = await tx.runs.get(run_id)
        try:
            made = await self.pool(lambda: self._plan(run))
        except Unavailable:
            raise
        except LifeboatError as error:
            why = error.phrase
            return lambda tx: self.runs.plan_failed(tx, run_id, why)
        except Exception as error:  # a defect is told at once: nothing was changed, and somebody waits for the plan
            log.exception("plan.broke", run=run_id)
            broken = _broken(error)
            return lambda tx: self.runs.plan_failed(tx, run_id, broken)
        return lambda tx: self.runs.planned(tx, run_id, made)

    async def step(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """One call for one step: its intent is written first, under the lease."""
        run_id, step_id, attempt = job.payload["run"], job.payload["step"], job.payload["attempt"]
        async with self.store.begin(job) as tx:
            run = await tx.runs.get(run_id)
            steps = {step.step: step for step in await tx.runs.steps(run_id)}
            now = tx.now
        step = steps[step_id]
        if step.state != "running" or step.attempt != attempt:
            return _nothing
        known = Attempt(run.incident, run.id, step_id, attempt, step.started_at or now, now, step.memory)
        if step.deadline_at and now > step.deadline_at:
            limit = step.deadline_at - known.started_at
            progress: Progress = Failed(
                phrase(N_("Not finished within {limit}. Look at it in AWS, then retry or skip."), limit=limit)
            )
            return lambda tx: self.runs.step_reported(tx, run_id, step_id, attempt, progress, acted=step.acted)
        try:
            if step.params is None:
                step = await self._intend(job, run, step, steps, known)
            params = self._bind(run, step)
            held_at = await self._still_ours(job)
            progress = await self.pool(lambda: self._call(run, step, params, known, held_at))
        except ActionFailed as error:
            progress = _after(error, known)
            acted = step.acted
        except Unavailable:
            raise
        except LifeboatError as error:
            progress, acted = Failed(error.phrase), step.acted
        except Exception as error:  # a defect is told at once; tried again in silence, it would only reach the deadline
            log.exception("step.broke", run=run_id, step=step_id)
            progress, acted = Failed(_broken(error)), step.acted
        else:
            acted = True
        return lambda tx: self.runs.step_reported(tx, run_id, step_id, attempt, progress, acted=acted)

    def _plan(self, run: Run) -> planning.Plan:
        playbook, context = playbook_of(run), Context.model_validate(run.context)
        values = fill(playbook, context, run.inputs).values

        def plan_step(step: PlaybookStep, rendered: Mapping[str, Any]) -> StepPlan:
            used = self._used(step)
            params = planning.bind(used.facts.params, rendered, step.id)
            attempt = Attempt(run.incident, run.id, step.id, 1, context.now, context.now)
            if used.facts.kind == "action":
                return self.actions[used.facts.name].plan(params, self.aws(context.region), attempt)
            looked = used.look(params, self.aws(context.region), attempt)
            if isinstance(looked, Failed):
                raise ActionFailed(looked.why)
            return StepPlan()

        return planning.assemble(playbook, context, values, plan_step)

    async def _intend(self, job: Job, run: Run, step: Step, steps: Mapping[str, Step], attempt: Attempt) -> Step:
        """Render the parameters with what earlier steps gave, and record them with the state before the first call."""
        playbook, context = playbook_of(run), Context.model_validate(run.context)
        values = fill(playbook, context, run.inputs).values
        outputs = {name: decode(other.output) for name, other in steps.items() if other.output}
        written = playbook.step(step.step)
        rendered = planning.parameters(written, context, values, outputs)
        used = self._used(written)
        params = planning.bind(used.facts.params, rendered, step.step)
        before = StepPlan()
        if used.facts.kind == "action":
            act = self.actions[used.facts.name]
            before = await self.pool(lambda: act.plan(params, self.aws(context.region), attempt))
        async with self.store.begin(job) as tx:
            return await self.runs.intend(tx, step, encode(rendered), encode(before))

    async def _still_ours(self, job: Job) -> float:
        """The instant, by the clock that runs on while a process is frozen, at which the lease was surely ours."""
        asked_at = time.monotonic()
        async with self.store.begin(job):
            return asked_at

    def _bind(self, run: Run, step: Step) -> Params:
        used = self._used(playbook_of(run).step(step.step))
        return planning.bind(used.facts.params, decode(dict(step.params or {})), step.step)

    def _call(self, run: Run, step: Step, params: Params, attempt: Attempt, held_at: float) -> Progress:
        """In the pool: `act` once, then `look`. A frozen process that wakes up here must not act on an old lease.

        Neither does a call that stood in line as long; a lease that held all the same gives the job back at once.
        """
        if time.monotonic() - held_at > _MAY_ACT:
            raise Unavailable(phrase(N_("Step {step} waited too long for its turn to call AWS."), step=step.step))
        used = self._used(playbook_of(run).step(step.step))
        aws = self.aws(Context.model_validate(run.context).region)
        attempt = replace(attempt, memory=decode(dict(step.memory)))
        acts = used.facts.kind == "action" and not step.acted
        progress = self.actions[used.facts.name].act(params, aws, attempt) if acts else used.look(params, aws, attempt)
        match progress:
            case Working():
                return replace(progress, memory=encode(progress.memory))
            case Done():
                return replace(progress, output=encode(progress.output))
        return progress

    def _used(self, step: PlaybookStep) -> Action | Check:
        name = step.uses or ""
        used = self.actions.get(name) or self.checks.get(name)
        if used is None:
            raise ActionFailed(phrase(N_("This version of Lifeboat has no action or check named {name}."), name=name))
        return used


def _after(error: ActionFailed, attempt: Attempt) -> Progress:
    """A call that may work later is looked at again until the step's deadline; the others fail the step now."""
    if not error.retry:
        return Failed(error.phrase)
    return Working(
        phrase(N_("AWS did not answer as it should; trying again: {why}"), why=error.phrase), memory=attempt.memory
    )


def _broken(error: Exception) -> Phrase:
    return phrase(N_("Lifeboat itself made a mistake here ({error}). Its log says more."), error=type(error).__name__)


async def _nothing(_tx: Tx) -> None:
    """The job is of an attempt that is over."""
