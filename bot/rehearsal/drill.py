"""One rehearsal from the fault to the verdict, as `lifeboat rehearse` plays it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.errors import N_, NotFound, Phrase, phrase
from bot.incident.playbook_runs import playbook_of
from bot.incident.run import Run
from bot.incident.timeline import restore
from bot.playbook import PLAYBOOKS
from bot.playbook.loading import files
from bot.playbook.model import Targets
from bot.rehearsal.account import Shape
from bot.rehearsal.breakages import parse
from bot.rehearsal.crew import Answer
from bot.rehearsal.night_report import Report
from bot.rehearsal.rehearsal import Rehearsal
from bot.rehearsal.stories import story_of
from bot.rehearsal.telling import Tell, silent

#: How long the shop may take to be well after the run has ended, before nobody waits for it any more.
_AFTERWARDS = timedelta(minutes=15)


@dataclass(frozen=True)
class Verdict:
    """`passed`: the run did what it should, and the shop was well again in time, with no more lost than promised."""

    run: Run
    report: Report
    targets: Targets

    @property
    def problems(self) -> Sequence[Phrase]:
        """Why it has not passed."""
        found = []
        if self.run.status != "succeeded":
            why = restore(self.run.problem) if self.run.problem else phrase(N_("see the timeline"))
            found.append(phrase(N_("The playbook did not succeed: {why}"), why=why))
        if self.report.rto is None:
            found.append(phrase(N_("The shop does not answer every request again.")))
        elif self.report.rto > self.targets.rto:
            found.append(
                phrase(N_("It took {took}, and {target} is promised."), took=self.report.rto, target=self.targets.rto)
            )
        if self.report.rpo > self.targets.rpo:
            what = N_("Writes of up to {age} before the fault are lost, and {target} is promised.")
            found.append(phrase(what, age=self.report.rpo, target=self.targets.rpo))
        return found

    @property
    def passed(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """For programs: the report, with the verdict. Durations are seconds."""
        return {
            "playbook": self.run.name,
            "status": self.run.status,
            "passed": self.passed,
            "problems": [str(one) for one in self.problems],
            "targets": {"rto_seconds": self.targets.rto.total_seconds(), "rpo_seconds": self.targets.rpo.total_seconds()},
            **self.report.as_json(),
        }  # fmt: skip


async def play(
    folder: Path, playbook: str, breaks: Sequence[str] = (), *, inputs: Mapping[str, str] | None = None, people: int = 3,
    answer: Answer = "yes", playbooks: Sequence[Path] = (), account: Shape | None = None, tell: Tell = silent,
) -> Verdict:  # fmt: skip
    """Break it, be paged, run the playbook, and wait until the shop is well.

    Without `breaks`, the playbook's own story is played. Raises `BadValue`, `BadInputs`, `NotFound`, `Refused`.
    """
    known = sorted(file.stem for file in files(PLAYBOOKS, playbooks))
    if playbook not in known:
        raise NotFound("playbook", playbook, ", ".join(known))
    story = story_of(playbook, breaks)
    noticed = any(parse(text).kind.alarm for text in story.breaks)
    async with Rehearsal(
        folder, story.breaks, people=people, answer=answer, playbooks=playbooks, account=account, tell=tell
    ) as night:
        if story.before:
            await story.before(night)
            night.mark()
            for text in story.then:
                await night.break_(text)
        else:
            await (night.paged() if noticed else night.declare("A rehearsal"))
        run = await night.run(playbook, {**story.inputs, **(inputs or {})})
        await night.until_well(_AFTERWARDS)
        return Verdict(run, await night.report(), playbook_of(run).targets)
