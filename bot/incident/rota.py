"""Who is on call, with what people have changed by hand: overrides, swaps, "take the pager".

The files say the plan; a row in the database says the exception, so that somebody can take over at night without a commit. An
incident that is open keeps the chain it has: whoever takes the pager is paged by the next one, and by an escalation of this
one only if its chain has them.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.errors import N_, NotFound, Phrase, Refused, phrase
from bot.incident.incident import new_id
from bot.incident.ports import ByHand, Tx
from bot.incident.timeline import display_name
from escalation.loading import Directory
from escalation.override import Override
from escalation.schedule import shifts

log = structlog.get_logger()

#: A change that lasts longer belongs into schedules.yaml, where others can read it.
LONGEST = timedelta(days=60)
#: "Until the end of the shift" of a schedule that never hands over.
_NO_LONGER = timedelta(days=7)


@dataclass(frozen=True)
class Changed:
    """What was changed, as a sentence for whoever did it."""

    made: ByHand
    said: Phrase


async def roster(tx: Tx, directory: Directory, *, taken: bool = True) -> Directory:
    """The people and schedules as they are with what was changed by hand and is not over.

    `taken`: with what people took for themselves. Whoever takes the pager is paged; a right to approve is not taken so.
    """
    found: dict[str, list[Override]] = defaultdict(list)
    for one in await tx.overrides.since(tx.now):
        if taken or one.by.removeprefix("cli:") not in one.override.brings:
            found[one.schedule].append(one.override)
    return directory.with_overrides(found) if found else directory


class Rota:
    """The verbs that change who is on call."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    async def override(self, tx: Tx, schedule: str, override: Override, by: str) -> Changed:
        """An exception to a schedule, from now on or later. Raises `Refused`, and `UnknownName` for a name nobody has."""
        self.directory.schedule(schedule)
        for name in override.people:
            self.directory.person(name)
        self._is_one_of_us(by)
        start = max(override.start, tx.now)
        if override.end <= start:
            raise Refused(phrase(N_("That time is over. Say until when: 2h, or 18:00.")))
        if override.end - start > LONGEST:
            what = N_("A change by hand lasts {longest} at most. Put a longer one into schedules.yaml (overrides).")
            raise Refused(phrase(what, longest=LONGEST))
        made = ByHand(new_id(), schedule, override.model_copy(update={"start": start}), by, tx.now)
        await tx.overrides.add(made)
        log.info("rota.overridden", id=made.id, schedule=schedule, people=override.people, by=by)
        return Changed(made, self.described(made))

    async def take(self, tx: Tx, schedule: str, by: str, length: timedelta | None = None) -> Changed:
        """`by` is on call in the schedule instead of everybody else: for so long, or until its shift would end."""
        self._is_one_of_us(by)
        end = tx.now + length if length else await self.end_of_shift(tx, schedule)
        override = Override.model_validate({"person": by, "from": tx.now, "until": end})
        return await self.override(tx, schedule, override, by)

    async def cancel(self, tx: Tx, override: str, by: str) -> Changed:
        """Take a change by hand back. Raises `NotFound` for one that is over, or never was."""
        self._is_one_of_us(by)
        known = {one.id: one for one in await tx.overrides.since(tx.now)}
        if override not in known:
            raise NotFound("override", override, ", ".join(known) or "-")
        await tx.overrides.remove(override)
        log.info("rota.cancelled", id=override, by=by)
        made = known[override]
        return Changed(made, phrase(N_("Taken back: {change}"), change=self.described(made)))

    def described(self, made: ByHand) -> Phrase:
        """The change in a sentence."""
        one = made.override
        names = [display_name(self.directory, name) for name in one.people]
        facts = {"schedule": made.schedule, "start": one.start, "end": one.end, "id": made.id, "who": names[0]}
        if one.swap:
            what = N_("{who} and {other} swap in {schedule} from {start} until {end} ({id}).")
            return phrase(what, **facts, other=names[1])
        if one.add:
            return phrase(N_("{who} is on call too in {schedule} from {start} until {end} ({id})."), **facts)
        if one.remove:
            return phrase(N_("{who} is not on call in {schedule} from {start} until {end} ({id})."), **facts)
        return phrase(N_("{who} is on call in {schedule} from {start} until {end} ({id})."), **facts)

    async def end_of_shift(self, tx: Tx, schedule: str) -> datetime:
        """When whoever is on call now hands over, as things stand."""
        now = await roster(tx, self.directory)
        return shifts(now.schedule(schedule), tx.now, tx.now + _NO_LONGER)[0].end

    def _is_one_of_us(self, by: str) -> None:
        if by not in self.directory.people and not by.startswith("cli:"):
            people = ", ".join(sorted(self.directory.people))
            raise Refused(phrase(N_("Only people of people.yaml may do this: {people}."), people=people))
