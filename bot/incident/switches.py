"""The kill switch and the freeze by hand: `/dr stop`, `/dr start`, `/dr freeze`, and the same in the CLI.

Stopping is for everybody in people.yaml, at once and without a question. Letting things start by themselves again is for
responders. A run that has begun is never aborted silently: whoever stops is shown it, with its own button to abort.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.config import Config
from bot.errors import N_, Phrase, Refused, phrase
from bot.incident.automatic_rules import frozen_until
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.ports import Switch, Tx
from bot.incident.run import Run
from bot.incident.timeline import display_name

log = structlog.get_logger()

#: A freeze that is meant to last longer belongs into lifeboat.yaml, where others can read it.
LONGEST = timedelta(days=14)


@dataclass(frozen=True)
class Switched:
    """What a switch did. `called_off`: runs that will not begin now. `going`: automatic ones that had begun, and go on."""

    said: Phrase
    called_off: Sequence[Run] = ()
    going: Sequence[Run] = ()


class Switchboard:
    """The verbs of the switches."""

    def __init__(self, config: Config, runs: PlaybookRuns) -> None:
        self.config, self.runs = config, runs

    async def stop(self, tx: Tx, by: str) -> Switched:
        """Nothing starts by itself any more, until somebody starts it again. Stopping twice calls off once more."""
        self._is_one_of_us(by)
        known = (await tx.switches.all()).get("stop")
        if known is None:
            await tx.switches.put(Switch("stop", by, tx.now))
            log.warning("automatic.stopped", by=by)
        why = phrase(N_("{who} has stopped all automatic runs."), who=self._name(by))
        called_off, going = await self._call_off(tx, why, by)
        said = phrase(N_("Nothing starts by itself any more, until somebody allows it again: /dr start."))
        if known:
            what = N_("{who} has stopped automatic runs already, at {at}. Nothing starts by itself until /dr start.")
            said = phrase(what, who=self._name(known.by), at=known.at)
        return Switched(said, called_off, going)

    async def start(self, tx: Tx, by: str) -> Switched:
        """Playbooks that may do so start by themselves again; a freeze by hand ends too. Raises `Refused`."""
        await self.runs.approvers.allow_responder(tx, by)
        known = await tx.switches.all()
        for name in known:
            await tx.switches.remove(name)
        log.warning("automatic.started", by=by, was=sorted(known))
        return Switched(await self.state(tx))

    async def freeze(self, tx: Tx, by: str, length: timedelta, reason: str = "") -> Switched:
        """Nothing starts by itself for so long. A freeze is made longer by another one, never shorter. Raises `Refused`."""
        self._is_one_of_us(by)
        if length <= timedelta():
            raise Refused(phrase(N_("Say for how long, and why: freeze 2h moving the database.")))
        if length > LONGEST:
            what = N_(
                "A freeze by hand lasts {longest} at most. Put a longer one into lifeboat.yaml (automatic.freeze)."
            )
            raise Refused(phrase(what, longest=LONGEST))
        known, until = (await tx.switches.all()).get("freeze"), tx.now + length
        if known and known.until and known.until > until:
            what = N_("{who} has frozen automatic runs until {until} already. /dr start ends that.")
            return Switched(phrase(what, who=self._name(known.by), until=known.until))
        await tx.switches.put(Switch("freeze", by, tx.now, until, reason))
        log.warning("automatic.frozen", by=by, until=until.isoformat(), reason=reason)
        why = phrase(N_("{who} has frozen automatic runs until {until}."), who=self._name(by), until=until)
        called_off, going = await self._call_off(tx, why, by)
        said = phrase(N_("Nothing starts by itself until {until}, for {left}."), until=until, left=length)
        return Switched(said, called_off, going)

    async def status(self, tx: Tx) -> Switched:
        """How things stand, and which automatic runs go on now."""
        unfinished = [run for run in await tx.runs.unfinished() if run.automatic]
        return Switched(await self.state(tx), going=unfinished)

    async def state(self, tx: Tx) -> Phrase:
        """Whether playbooks may start by themselves now, in one sentence."""
        switches = await tx.switches.all()
        if stop := switches.get("stop"):
            what = N_("Automatic runs are stopped since {at}, by {who}. /dr start lets them start again.")
            return phrase(what, at=stop.at, who=self._name(stop.by))
        if not self.config.automatic.enabled:
            return phrase(N_("No playbook starts by itself: automatic.enabled is false in lifeboat.yaml."))
        until, reason = frozen_until(self.config, switches.get("freeze"), tx.now)
        if until:
            what = N_("Nothing starts by itself until {until}, for {left}: {reason}")
            return phrase(what, until=until, left=until - tx.now, reason=reason or "-")
        return phrase(N_("Playbooks that allow it may start by themselves."))

    async def _call_off(self, tx: Tx, why: Phrase, by: str) -> tuple[list[Run], list[Run]]:
        """The runs that will not begin now, and those that had begun already."""
        automatic = [run for run in await tx.runs.unfinished() if run.automatic]
        after = [await self.runs.call_off(tx, run.id, why, by) for run in sorted(automatic, key=lambda run: run.id)]
        return [run for run in after if run.ended], [run for run in after if run.going]

    def _is_one_of_us(self, by: str) -> None:
        if by not in self.runs.directory.people and not by.startswith("cli:"):
            people = ", ".join(sorted(self.runs.directory.people))
            raise Refused(phrase(N_("Only people of people.yaml may do this: {people}."), people=people))

    def _name(self, by: str) -> str:
        return display_name(self.runs.directory, by)
