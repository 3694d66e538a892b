"""Who is in the Slack user groups that roles name: asked at start, when Slack says that one changed, and every hour.

What nobody could ask for a day counts no more (`bot/incident/approval.py`), so a failure here takes rights away and
never gives any.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.config import Config
from bot.errors import Unavailable
from bot.incident.posted import SlackStore, SlackTx
from bot.jobs import ASK_GROUPS, Job, NewJob
from bot.slack.client import Slack, SlackRefused

log = structlog.get_logger()

EVERY = timedelta(hours=1)
#: Slack did not answer: asked again soon, because somebody may wait for their role.
SOON = timedelta(minutes=1)
#: Codes that say that the group has no members any more, rather than that we may not ask.
_GONE = frozenset({"no_such_subteam"})


@dataclass
class Answers:
    """What Slack said, by group. `again_in`: when to ask next."""

    members: dict[str, frozenset[str]] = field(default_factory=dict)
    again_in: timedelta = EVERY


class Groups:
    """The handler of ASK_GROUPS, and what adds the job."""

    def __init__(self, store: SlackStore, slack: Slack, config: Config) -> None:
        self.store, self.slack, self.groups = store, slack, named_groups(config)

    async def begin(self) -> None:
        """At start, when a role names a group."""
        if self.groups:
            async with self.store.begin() as tx:
                await tx.jobs.add(_ask())

    async def ask(self, _job: Job) -> "Recorded":
        """Ask Slack for every group. Safe to run twice, also at once: of two answers the one asked for later stays."""
        async with self.store.begin() as tx:
            asked_at = tx.now  # before the calls: what changes meanwhile is older than its own answer
        answers = Answers()
        for group in sorted(self.groups):
            await self._ask(group, answers)
        return Recorded(answers, asked_at, asks_again=bool(self.groups))

    async def _ask(self, group: str, answers: Answers) -> None:
        try:
            said = await self.slack.call("usergroups.users.list", usergroup=group)
        except Unavailable as error:
            wait = timedelta(seconds=error.retry_after or SOON.total_seconds())
            answers.again_in = min(answers.again_in, wait)
            log.warning("groups.not_asked", group=group, error=str(error))
        except SlackRefused as refused:
            if refused.code in _GONE:
                answers.members[group] = frozenset()
            log.error("groups.refused", group=group, code=refused.code)  # noqa: TRY400  # said in full
        else:
            answers.members[group] = frozenset(map(str, said.get("users") or ()))


@dataclass(frozen=True)
class Recorded:
    """What is written when Slack has answered: the members, and the next time to ask."""

    answers: Answers
    asked_at: datetime
    asks_again: bool

    async def __call__(self, tx: SlackTx) -> None:
        for group, members in self.answers.members.items():
            known = await tx.groups.members(group)
            if known is None or known[1] <= self.asked_at:
                await tx.groups.put(group, members, self.asked_at)
        if self.asks_again:
            await tx.jobs.add(_ask(tx.now + self.answers.again_in))


def named_groups(config: Config) -> frozenset[str]:
    """The ids of the groups that some role names."""
    return frozenset(group for role in config.roles.values() for group in role.slack_groups)


async def changed(tx: SlackTx, config: Config, group: str, event: Mapping[str, object]) -> None:
    """Slack says that a group changed. Whoever was removed is out at once; who came in, Slack is asked for.

    The event tells only a difference, so what is known does not become younger by it.
    https://docs.slack.dev/reference/events/subteam_members_changed
    """
    if group not in named_groups(config):
        return
    removed = event.get("removed_users")
    known = await tx.groups.members(group)
    if known and isinstance(removed, list):
        await tx.groups.put(group, known[0] - frozenset(map(str, removed)), known[1])
    await tx.jobs.add(_ask())


def _ask(due_at: datetime | None = None) -> NewJob:
    return NewJob(ASK_GROUPS, {}, due_at, key=ASK_GROUPS.name)
