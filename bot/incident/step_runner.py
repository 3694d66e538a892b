"""Executes the rows of runs: the handler of STEP, behind `playbook_runs.py`. All of AWS is behind `Hands`.

One job is one call. `act` runs until it has returned once (`acted`), then only `look`; one that says it has `more` to do
is called again. A crash between the call and its record runs `act` again, which is told so (`Attempt.again`), looks first
and adopts what it finds.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.errors import N_, ActionFailed, LifeboatError, Refused, Unavailable, phrase
from bot.incident.hands import Hands, broken
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.ports import Store, Tx
from bot.incident.run import Step
from bot.incident.walk import Walk, planned_of
from bot.jobs import LEASE, Job
from bot.playbook import rendering
from bot.playbook.action import Asks, Attempt, Aws, Done, Failed, Memo, Params, Progress, StepPlan, Working
from bot.playbook.plan import same_calls
from bot.playbook.stored import decode, encode

log = structlog.get_logger()

#: A lease is renewed every quarter of its length, so that half of it is left for certain when it was just looked at.
_MAY_ACT = LEASE.total_seconds() / 2


@dataclass(frozen=True)
class _Call:
    """One row that is about to be called: what it uses, with which parameters, where, and what it knows of itself."""

    row: Step
    uses: str
    params: Params
    aws: Aws
    attempt: Attempt


@dataclass(frozen=True)
class _Outcome:
    progress: Progress
    acted: bool
    transient: bool = False
    acting: bool = False


class StepRunner:
    """The handler of STEP."""

    def __init__(self, store: Store, runs: PlaybookRuns, hands: Hands) -> None:
        self.store, self.runs, self.hands = store, runs, hands

    async def step(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """One call for one row: its intent is written first, under the lease."""
        run_id, row_id, attempt = job.payload["run"], job.payload["step"], job.payload["attempt"]
        held_at = time.monotonic()
        async with self.store.begin(job) as tx:
            walk = await Walk.open(tx, run_id)
            row = walk.rows[row_id]
            known = await tx.known.recall(self.hands.recalls(_uses(walk, row)))
        if row.state != "running" or row.attempt != attempt:
            return _nothing
        outcome = await self._outcome(job, walk, row, known, held_at)
        return lambda tx: self.runs.step_reported(
            tx, run_id, row_id, attempt, outcome.progress, acted=outcome.acted, transient=outcome.transient, acting=outcome.acting,
        )  # fmt: skip

    async def _outcome(self, job: Job, walk: Walk, row: Step, known: Mapping[str, Memo], held_at: float) -> _Outcome:
        """Make the call; whatever goes wrong becomes the row's own failure, but for our own troubles (`Unavailable`).

        `held_at`: an instant, by the clock that runs on while a process is frozen, after which the lease was ours.
        """
        if row.deadline_at and walk.now > row.deadline_at:
            limit = row.deadline_at - (row.started_at or row.deadline_at)
            what = N_("Not finished within {limit}. Look at it in AWS, then retry or skip.")
            return _Outcome(Failed(phrase(what, limit=limit)), row.acted)
        try:
            call = self._prepare(walk, row, known)
            if row.params is None:
                before = await self._before(walk, call)
                held_at = time.monotonic()
                call = await self._intend(job, call, before)
            elif self._acts(call) and (row.answer or not row.acting):
                held_at = time.monotonic()
                async with self.store.begin(job) as tx:
                    await self.runs.acts_again(tx, row)
            progress = await self.hands.pool(lambda: self._call(call, held_at))
        except ActionFailed as error:
            unknown = error.kind == "unavailable" and not row.acted
            return _Outcome(Failed(error.phrase, error.kind), row.acted, transient=error.retry, acting=unknown)
        except Unavailable:
            raise
        except LifeboatError as error:
            return _Outcome(Failed(error.phrase), row.acted)
        except Exception as error:  # a defect is told at once; tried again in silence, it would only reach the deadline
            log.exception("step.broke", run=row.run, step=row.step)
            return _Outcome(Failed(broken(error)), row.acted)
        return _Outcome(progress, acted=not (isinstance(progress, Working) and progress.more))

    def _prepare(self, walk: Walk, row: Step, known: Mapping[str, Memo]) -> _Call:
        """With the parameters that were written down, or, the first time, with what earlier steps gave."""
        written = walk.playbook.step(row.written)
        item = decode(row.item)
        about = (walk.context, walk.values, walk.outputs)
        uses = _uses(walk, row)
        if row.undoes:
            given = _given(walk.rows[row.undoes])
            rendered = rendering.undo_parameters(written, *about, given, item) if row.params is None else {}
        else:
            rendered = rendering.parameters(written, *about, item) if row.params is None else {}
        region = rendering.step_region(written, *about, item)
        params = rendered if row.params is None else decode(dict(row.params))
        return _Call(
            row=row,
            uses=uses,
            params=rendering.bind(self.hands.used(uses).facts.params, params, row.step),
            aws=self.hands.aws(walk.context, region, best_effort=written.best_effort),
            attempt=_attempt(walk, row, known),
        )

    async def _before(self, walk: Walk, call: _Call) -> StepPlan:
        """How things stand, which must be as it was approved."""
        if action := self.hands.actions.get(call.uses):
            before = await self.hands.pool(lambda: action.plan(call.params, call.aws, call.attempt))
            _as_approved(walk, call.row, before)
            return before
        return StepPlan()

    async def _intend(self, job: Job, call: _Call, before: StepPlan) -> _Call:
        """Write down what will be done, before the first call."""
        params = encode(call.params.model_dump())
        async with self.store.begin(job) as tx:
            try:
                row = await self.runs.intend(
                    tx, call.row, params, encode(before), before.touches, acting=self._acts(call)
                )
            except Refused as error:
                raise ActionFailed(error.phrase, kind="conflict") from error
        return replace(call, row=row)

    def _acts(self, call: _Call) -> bool:
        return call.uses in self.hands.actions and not call.row.acted

    def _call(self, call: _Call, held_at: float) -> Progress:
        """In the pool: `act` once, then `look`. A frozen process that wakes up here must not act on an old lease.

        Neither does a call that stood in line as long; a lease that held all the same gives the job back at once.
        """
        if time.monotonic() - held_at > _MAY_ACT:
            raise Unavailable(phrase(N_("Step {step} waited too long for its turn to call AWS."), step=call.row.step))
        action = self.hands.actions.get(call.uses)
        used = self.hands.used(call.uses)
        progress = action.act(*_arguments(call)) if action and self._acts(call) else used.look(*_arguments(call))
        match progress:
            case Working() | Asks():
                return replace(progress, memory=encode(progress.memory))
            case Done():
                return replace(progress, output=encode(progress.output))
        return progress


def _arguments(call: _Call) -> tuple[Params, Aws, Attempt]:
    return call.params, call.aws, call.attempt


def _uses(walk: Walk, row: Step) -> str:
    """The name of the action or the check that the row calls."""
    written = walk.playbook.step(row.written)
    return (written.undo.action if written.undo else "") if row.undoes else written.uses or ""


def _attempt(walk: Walk, row: Step, known: Mapping[str, Memo]) -> Attempt:
    return Attempt(
        incident=walk.run.incident, run=row.run, step=row.step, number=row.attempt, started_at=row.started_at or walk.now,
        now=walk.now, memory=decode(dict(row.memory)), answer=row.answer, again=row.acting,
        known=known,
    )  # fmt: skip


def _given(undone: Step) -> Mapping[str, Any]:
    """What the row that is taken back gave; when it never said so, what was certain before it began."""
    if undone.output:
        found: Mapping[str, Any] = decode(dict(undone.output))
        return found
    before = decode(dict(undone.before)) if undone.before else None
    return before.foreseen if isinstance(before, StepPlan) else {}


def _as_approved(walk: Walk, row: Step, now: StepPlan) -> None:
    """Where nothing of ours has changed the world before a step, what it would do must be what people approved."""
    if row.undoes:
        return
    if not same_calls(planned_of(walk.run, row.step), now, f"{row.run}/{row.step}"):
        what = N_(
            "Things have changed since the plan was approved: step {step} would now do something else. Ask for a new plan."
        )
        raise ActionFailed(phrase(what, step=row.step))


async def _nothing(_tx: Tx) -> None:
    """The job is of an attempt that is over."""
