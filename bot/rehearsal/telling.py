"""The timeline of a rehearsal, as it happens: what breaks, what the bot notes of its incidents, how the shop fares."""

from collections.abc import Callable
from datetime import datetime

from bot.core import Core
from bot.errors import N_, Phrase, phrase
from bot.rehearsal.writer import Sample

#: Hears a line of the timeline as it happens.
Tell = Callable[[datetime, Phrase | str], None]


def silent(_at: datetime, _text: Phrase | str) -> None:
    """Nobody listens."""


class Telling:
    """`lines` are all so far, in the order in which they were heard of."""

    def __init__(self, tell: Tell) -> None:
        self.lines: list[tuple[datetime, Phrase | str]] = []
        self._tell = tell
        self._known: set[tuple[str, int]] = set()
        self._was_well = True

    def say(self, at: datetime, what: Phrase | str) -> None:
        self.lines.append((at, what))
        self._tell(at, what)

    async def retell(self, core: Core) -> None:
        """What the bot has noted since."""
        async with core.store.begin() as tx:
            for incident in await tx.incidents.listing(open_only=False):
                for number, one in enumerate(await tx.notes.of(incident.id)):
                    if (incident.id, number) not in self._known:
                        self._known.add((incident.id, number))
                        self.say(one.at, one.phrase)

    def shop(self, sample: Sample) -> None:
        """When the shop falls ill, and when it is well again."""
        if sample.well == self._was_well:
            return
        self._was_well = sample.well
        if sample.well:
            self.say(sample.at, phrase(N_("The shop answers every request ({region})."), region=sample.standing.region))
            return
        why = sample.standing.why[0] if sample.standing.why else sample.why
        what = N_("The shop serves {percent} % of its requests: {why}")
        self.say(sample.at, phrase(what, percent=round(100 * sample.served), why=why or "-"))
