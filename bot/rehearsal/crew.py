"""The people of a rehearsal, played: they answer the page, read the plan and approve it, and answer what they are asked.

Each needs a while for it, of the rehearsal's time. They decide as `lifeboat playbook approve` and `answer` would have
them decide; what Lifeboat refuses them is told, and not tried again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.core import Core
from bot.errors import LifeboatError, Phrase
from bot.incident.approval import needed, region_of
from bot.incident.playbook_runs import playbook_of
from bot.incident.run import PRESSABLE, Run, Step

Tell = Callable[[Phrase | str], None]
Answer = Literal["yes", "no"]

NAMES = ("mina", "alex", "sofia", "noah", "yuna", "omar", "lena", "ravi", "chloe", "diego")


@dataclass(frozen=True)
class Pace:
    """How long people take: to answer a page, to ask for the playbook, to read a plan, to decide what they are asked."""

    answer: timedelta = timedelta(minutes=1)
    ask: timedelta = timedelta(seconds=30)
    read: timedelta = timedelta(seconds=30)
    decide: timedelta = timedelta(seconds=20)


@dataclass
class Crew:
    """`people`: how many there are, up to ten; the first is on call. `look` notes what is to be done, `act` does it."""

    core: Core
    tell: Tell
    people: int = 3
    answer: Answer = "yes"
    pace: Pace = Pace()
    _due: dict[str, tuple[datetime, Callable[[], Awaitable[Any]]]] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    @property
    def next_due(self) -> datetime | None:
        return min((due for due, _ in self._due.values()), default=None)

    async def look(self, runs: Sequence[str]) -> None:
        """See what people are asked to do: pages that are out, and these runs."""
        async with self.core.store.begin() as tx:
            now = tx.now
            for incident in await tx.incidents.listing(open_only=True):
                if incident.status == "open" and any(page.status == "sent" for page in await tx.pages.of(incident.id)):
                    self._plan(f"page:{incident.id}", now + self.pace.answer, self._acknowledge, incident.id)
            for run_id in runs:
                self._read(await tx.runs.peek(run_id), await tx.runs.steps(run_id), now)

    async def act(self) -> bool:
        """Do what is due; whether anything was."""
        now = self.core.clock.now()
        due = [key for key, (at, _) in self._due.items() if at <= now]
        for key in due:
            _, do = self._due.pop(key)
            try:
                await do()
            except LifeboatError as refused:
                self.tell(refused.phrase)
        return bool(due)

    def _read(self, run: Run, rows: Sequence[Step], now: datetime) -> None:
        if run.status == "planned":
            count = len(self.core.runs.approvers.counted(run, playbook_of(run)))
            if count < needed(playbook_of(run)):
                self._plan(f"approve:{run.id}:{run.plan_hash}:{count}", now + self.pace.read, self._approve, run)
        if run.status in PRESSABLE:
            for row in rows:
                if row.state == "asking":
                    key = f"answer:{run.id}:{row.step}:{row.attempt}:{row.question}"
                    self._plan(key, now + self.pace.decide, self._decide, run, row)

    def _plan(self, key: str, due: datetime, do: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        if key not in self._done:
            self._done.add(key)
            self._due[key] = (due, lambda: do(*arguments))

    async def _acknowledge(self, incident: str) -> None:
        async with self.core.store.begin() as tx:
            await self.core.responder.acknowledge(tx, incident, f"cli:{NAMES[0]}")

    async def _approve(self, run: Run) -> None:
        """The next of them who may: whoever asked for it comes last, since another is wanted where it matters."""
        approved = {self.core.runs.approvers.voice(one.by) for one in run.approvals}
        willing = [name for name in (*NAMES[1 : self.people], NAMES[0]) if name not in approved]
        if not willing:
            return
        async with self.core.store.begin() as tx:
            await self.core.runs.approve(
                tx, run.id, run.plan_hash or "", f"cli:{willing[0]}", typed=region_of(run), via=willing[0]
            )

    async def _decide(self, run: Run, row: Step) -> None:
        by_hand = playbook_of(run).step(row.written).kind == "manual" and not row.question
        async with self.core.store.begin() as tx:
            await self.core.runs.press(tx, run.id, row.step, "confirm" if by_hand else self.answer, f"cli:{NAMES[0]}")


def team(people: int) -> Mapping[str, Mapping[str, Any]]:
    """people.yaml, schedules.yaml and policies.yaml, as values. Numbers that are reserved for fiction, and ring nowhere."""
    names = NAMES[:people]
    first, *others = names
    schedules = {"primary": [first], **({"secondary": others} if others else {})}
    return {
        "people": {
            name: {"name": name.capitalize(), "language": "en", "time_zone": "UTC", "contacts": [{"sms": f"+1 212-555-01{at:02}"}]}
            for at, name in enumerate(names)
        },
        "schedules": {
            name: {
                "time_zone": "UTC",
                "rotation": {
                    "every": "week", "hand_off": {"day": "monday", "time": "09:00"}, "start": "2024-01-01", "people": who,
                },
            }
            for name, who in schedules.items()
        },
        "policies": {"default": {"levels": [{"page": [{"schedule": name}], "wait": "5m"} for name in schedules], "repeat": 1}},
    }  # fmt: skip
