"""What rehearsals have shown, as tests judge it and as build/rehearsals.json keeps it."""

import fcntl
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.incident.playbook_runs import playbook_of
from bot.incident.run import Run
from bot.rehearsal.drill import Verdict
from bot.rehearsal.rehearsal import Rehearsal
from bot.rehearsal.stories import STORIES
from bot.rehearsal.stories import Story as Plain

Story = Callable[..., Awaitable[Any]]
FILE = Path(__file__).parents[2] / "build" / "rehearsals.json"
#: What is kept of a verdict: figures, and no lists that only a reader of one night wants.
_KEPT = (
    "status",
    "targets",
    "detected_seconds",
    "rto_seconds",
    "rpo_seconds",
    "availability",
    "acknowledged",
    "steps",
    "calls",
)
#: How long the shop may take to be well after the run has ended.
_AFTERWARDS = timedelta(minutes=15)


async def recovered(
    night: Rehearsal, playbook: str, breaks: Sequence[str], inputs: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """It breaks, somebody is paged, and runs the playbook; before that, what the playbook's own story begins with."""
    for one in breaks:
        await night.break_(one)
    if (before := STORIES.get(playbook, Plain()).before) is not None:
        await before(night)
        night.mark()
    else:
        await night.paged()
    return await verdict(night, await night.run(playbook, inputs))


async def verdict(night: Rehearsal, run: Run) -> dict[str, Any]:
    """How the night stands now that the run is over, once the shop is well or nobody waits for it any more."""
    await night.until_well(_AFTERWARDS)
    said = Verdict(run, await night.report(), playbook_of(run).targets).as_json()
    rows = {row.step: {"state": row.state, "output": row.output} for row in (await night.look_at(run.id))[1]}
    asked = [
        {"at": call.at.isoformat(), "region": call.region, "call": f"{call.service}:{call.operation}"}
        for call in night.asked()
    ]
    return {**said, "rows": rows, "asked": asked, "ended_at": run.ended_at.isoformat() if run.ended_at else None}


@dataclass(frozen=True)
class Recovery:
    """One night that ended, by the playbook that was to end it. `seen` is `Verdict.as_json`, with what the story adds."""

    playbook: str
    breaks: Sequence[str]
    seen: Mapping[str, Any]

    @cached_property
    def rto(self) -> timedelta:
        assert self.seen["rto_seconds"] is not None, f"the shop is not well: {self.story}"
        return timedelta(seconds=self.seen["rto_seconds"])

    @property
    def rpo(self) -> timedelta:
        return timedelta(seconds=self.seen["rpo_seconds"])

    @property
    def story(self) -> str:
        """What happened, for whoever reads of a failure."""
        lines = (f"{one['at'][11:19]} {one['what']}" for one in self.seen["timeline"])
        return "\n".join([str(self.seen["problems"]), *lines])

    def passed(self) -> None:
        """The run did what it should, and the shop was well in time with no more lost than the playbook promises."""
        assert self.seen["passed"], self.story
        targets = self.seen["targets"]
        assert self.rto <= timedelta(seconds=targets["rto_seconds"]), self.story
        assert self.rpo <= timedelta(seconds=targets["rpo_seconds"]), self.story


def record(recovery: Recovery) -> None:
    """Into the one file of all rehearsals; several test processes may write at once."""
    name = f"{recovery.playbook} against {', '.join(recovery.breaks)}"
    seen = {key: recovery.seen[key] for key in _KEPT}
    faults = [one["what"] for one in recovery.seen["faults"]]
    counts = {"lost": len(recovery.seen["lost"]), "conflicts": len(recovery.seen["conflicts"])}
    FILE.parent.mkdir(exist_ok=True)
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(FILE.read_text()) if FILE.exists() else {}
        known[name] = {"playbook": recovery.playbook, "faults": faults, **seen, **counts}
        new = FILE.with_suffix(".new")
        new.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        new.replace(FILE)
