"""What keeps a run from starting: another run that changes the same things, or that is its opposite."""

from bot.errors import N_, Phrase, Refused, phrase
from bot.incident.ports import Tx
from bot.incident.walk import Walk, plan_of
from bot.playbook.plan import touches


async def obstacle(tx: Tx, walk: Walk) -> Phrase | None:
    """Take what the run's plan changes, and look for its opposites; None: nothing is in the way.

    When something is, the caller rolls back, or ends the run: then `Walk.close` gives back what was free to take.
    """
    if opposite := await _opposite(tx, walk):
        return opposite
    plan = plan_of(walk.run)
    held = await tx.runs.lock(walk.run.id, touches(plan) if plan else ())
    if not held:
        return None
    thing, holder = next(iter(held.items()))
    other = await tx.runs.peek(holder)
    what = N_(
        "{thing} is being changed by playbook {name} of incident {incident}. Wait until it ends, or abort it first."
    )
    return phrase(what, thing=thing, name=other.name, incident=other.incident)


async def clear_way(tx: Tx, walk: Walk) -> None:
    """Take what the run's plan changes. Raises `Refused` when something is in the way."""
    if why := await obstacle(tx, walk):
        raise Refused(why)


async def _opposite(tx: Tx, walk: Walk) -> Phrase | None:
    """A run that this playbook excludes, or whose own playbook excludes this one, about the same service."""
    service = walk.context.service.name if walk.context.service else ""
    for other in await tx.runs.going():
        excludes = {*walk.playbook.excludes} if other.name in walk.playbook.excludes else {*other.playbook["excludes"]}
        if other.id == walk.run.id or not {other.name, walk.run.name} & excludes:
            continue
        theirs = (other.context.get("service") or {}).get("name", "")
        if not service or not theirs or service == theirs:
            what = N_(
                "{name} is going on for incident {incident}, and the two must not run at once. Finish or abort it."
            )
            return phrase(what, name=other.name, incident=other.incident)
    return None
