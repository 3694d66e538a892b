"""Renews what a step has done and AWS would end by itself, such as a zonal shift: the handler of RENEW.

A renewal is due when three quarters of the time are gone, so that a quarter is left to try again, and for a person to do
it by hand. It goes on while the incident is open and the step has not been taken back. A crash between AWS's answer and
our record makes it run again; it looks first and adopts what it finds.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from bot.errors import N_, ActionFailed, LifeboatError, Phrase, phrase
from bot.incident.hands import Hands
from bot.incident.ports import Store, Tx
from bot.incident.run import Step
from bot.incident.timeline import store as as_json
from bot.incident.walk import Walk
from bot.jobs import RENEW, SAY, Job, NewJob
from bot.playbook import rendering
from bot.playbook.action import Attempt, Lapsed, Renewable, Renewed
from bot.playbook.stored import decode, encode

_SHARE = 0.75
#: How long before the next try, while AWS is busy; and how many of those nobody needs to hear of.
_PATIENCE = timedelta(seconds=30)
_QUIET = 3

Outcome = Renewed | Lapsed | ActionFailed


def renewal(row: Step, incident: str, held_since: datetime, until: datetime) -> NewJob:
    """The job that renews what the row holds, once three quarters of the time are gone."""
    payload = {"run": row.run, "step": row.step, "attempt": row.attempt, "incident": incident}
    return _job({**payload, "until": until.isoformat(), "tries": 0}, held_since + (until - held_since) * _SHARE)


def holds(rows: Collection[Step], step: str, attempt: int) -> bool:
    """Whether what the row did still stands, and nobody has begun to take it back."""
    row = next((one for one in rows if one.step == step), None)
    taken_back = any(one.undoes == step for one in rows)
    return row is not None and (row.state, row.attempt) == ("done", attempt) and not taken_back


def next_try(now: datetime, until: datetime, failed: ActionFailed) -> datetime:
    """Soon, where the same call may work later; else after a quarter of what is left, in case somebody mends it."""
    quarter = max((until - now) / 4, timedelta(seconds=1))
    return now + (min(_PATIENCE, quarter) if failed.retry else quarter)


class Renewing:
    """The handler of RENEW."""

    def __init__(self, store: Store, hands: Hands) -> None:
        self.store, self.hands = store, hands

    async def renew(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """One renewal, if it is still wanted. Safe to run twice: the action looks first."""
        async with self.store.begin(job) as tx:
            walk = await Walk.open(tx, job.payload["run"])
            resolved = (await tx.incidents.get(walk.run.incident)).resolved
        if not _wanted(walk, job):
            return _nothing
        outcome: Outcome = Lapsed(phrase(_RESOLVED, until=_until(job))) if resolved else await self._outcome(walk, job)
        return lambda tx: _record(tx, job, outcome)

    async def _outcome(self, walk: Walk, job: Job) -> Outcome:
        row = walk.rows[job.payload["step"]]
        if walk.now >= _until(job):
            return Lapsed(phrase(N_("It could not be renewed before it ended at {until}."), until=_until(job)))
        try:
            action, params, region = self._prepared(walk, row)
            aws = self.hands.aws(walk.context, region)
            attempt = Attempt(
                walk.run.incident, row.run, row.step, row.attempt, walk.now, walk.now,
                memory=decode(dict(row.output or {})), again=job.again,
            )  # fmt: skip
            return await self.hands.pool(lambda: action.renew(params, aws, attempt))
        except ActionFailed as error:
            return error
        except LifeboatError as error:
            return Lapsed(error.phrase)

    def _prepared(self, walk: Walk, row: Step) -> tuple[Renewable, Any, str]:
        """The action that did it, with the parameters that were written down then."""
        written = walk.playbook.step(row.written)
        uses = written.undo.action if row.undoes and written.undo else written.uses or ""
        action = self.hands.used(uses)
        params = rendering.bind(action.facts.params, decode(dict(row.params or {})), row.step)
        region = rendering.step_region(written, walk.context, walk.values, walk.outputs, decode(row.item))
        return cast(Renewable, action), params, region


async def _record(tx: Tx, job: Job, outcome: Outcome) -> None:
    """What became of it, and what is due next. What was taken back meanwhile is nobody's concern any more."""
    walk = await Walk.open(tx, job.payload["run"])
    if not _wanted(walk, job):
        return
    row = walk.rows[job.payload["step"]]
    match outcome:
        case Renewed(until=until, note=note, output=output):
            walk.put(row, output={**(row.output or {}), **encode(dict(output))}, note=as_json(note))
            walk.note("step-renewed", phrase(N_("Step {step}: {note}"), step=row.step, note=note))
            walk.jobs.append(renewal(row, walk.run.incident, walk.now, until))
        case Lapsed(why=why, aloud=aloud):
            _tell(walk, row, why, aloud=aloud)
        case ActionFailed():
            _try_again(walk, row, job, outcome)
    await walk.close()


def _try_again(walk: Walk, row: Step, job: Job, failed: ActionFailed) -> None:
    """A permission that is missing is told at once, being busy only when it lasts."""
    tries = job.payload["tries"] + 1
    if tries == (_QUIET if failed.retry else 1):
        what = N_("It ends at {until} and could not be renewed so far: {why} Renew it by hand, or mend that.")
        _tell(walk, row, phrase(what, until=_until(job), why=failed.phrase), aloud=True)
    due = next_try(walk.now, _until(job), failed)
    walk.jobs.append(_job({**job.payload, "tries": tries}, due))


def _tell(walk: Walk, row: Step, why: Phrase, *, aloud: bool) -> None:
    said = phrase(N_("Step {step} is not renewed: {why}"), step=row.step, why=why)
    walk.note("step-lapses", said)
    if aloud:
        what = {"incident": walk.run.incident, "what": "lapses", "run": row.run, "row": row.step}
        walk.jobs.append(NewJob(SAY, {**what, "at": walk.now.isoformat(), "why": as_json(why)}))


def _wanted(walk: Walk, job: Job) -> bool:
    return holds(walk.rows.values(), job.payload["step"], job.payload["attempt"])


def _until(job: Job) -> datetime:
    return datetime.fromisoformat(job.payload["until"])


def _job(payload: Mapping[str, Any], due: datetime) -> NewJob:
    return NewJob(RENEW, payload, due, key=f"renew:{payload['run']}/{payload['step']}/{payload['attempt']}")


async def _nothing(_tx: Tx) -> None:
    """It was taken back, or tried anew: that attempt has a renewal of its own."""


_RESOLVED = N_("The incident is resolved. It ends at {until}: take it back if it is not needed, or renew it by hand.")
