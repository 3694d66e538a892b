"""Who may decide about a run: the roles of lifeboat.yaml, and what an approval must fit. It fails closed.

A *voice* is one person, whichever door they came through: the key in people.yaml, or `<@U…>` for somebody who is only in
Slack. An actor whom neither knows has no voice of ours, and no role.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.config import Config, Role
from bot.errors import N_, Refused, phrase
from bot.incident.ports import Tx
from bot.incident.rota import roster
from bot.incident.run import Approval, Run
from bot.playbook.model import Approval as Rule
from bot.playbook.model import Playbook
from escalation.loading import Directory

#: The role that a playbook without an approval of its own wants, and the only one that need not be in lifeboat.yaml.
DEFAULT_ROLE = "responder"
#: What Slack said of a group longer ago than this counts no more: whoever has left it since would still be let in.
STALE = timedelta(hours=24)
_CLI = "cli:"
#: How many members a refusal names.
_NAMED = 12


class WrongRegion(Refused):
    """What was typed is not the name of the region in which the run acts."""


class Approvers:
    """Judges people and approvals; `Refused` says why not."""

    def __init__(self, config: Config, directory: Directory) -> None:
        self.config, self.directory = config, directory

    async def allow(self, tx: Tx, playbook: Playbook, by: str) -> None:
        """Raises `Refused` unless `by` has the role that the playbook names."""
        name = (playbook.approval or Rule()).role
        role = self._role(name)
        if role is None:
            what = N_(
                "Playbook {playbook} wants the role {role}, which lifeboat.yaml does not have: nobody may do this. "
                "Add the role to lifeboat.yaml."
            )
            raise Refused(phrase(what, playbook=playbook.name, role=name))
        await self._has(tx, name, role, by)

    async def allow_responder(self, tx: Tx, by: str) -> None:
        """Raises `Refused` unless `by` has the role that everything wants which belongs to no playbook."""
        role = self._role(DEFAULT_ROLE)
        assert role is not None, "it stands for everybody where lifeboat.yaml does not have it"
        await self._has(tx, DEFAULT_ROLE, role, by)

    async def _has(self, tx: Tx, name: str, role: Role, by: str) -> None:
        members, unknown = await self._members(tx, role)
        who = self.voice(by)
        if who in members:
            return
        if who.startswith(_CLI):
            raise Refused(phrase(UNKNOWN_LOGIN, login=who.removeprefix(_CLI), people=_listing(self.directory.people)))
        what = N_("Only a {role} may do this. Ask one of: {members}.")
        if unknown:
            what = N_(
                "Only a {role} may do this. Ask one of: {members}. Slack has not said for {hours} hours who is in {groups}, "
                "so nobody in there counts."
            )
        hours = STALE // timedelta(hours=1)
        raise Refused(phrase(what, role=name, members=_listing(members), groups=", ".join(unknown), hours=hours))

    def judge(self, run: Run, playbook: Playbook, approval: Approval, now: datetime, typed: str = "") -> None:
        """Raises `Refused` unless this approval counts for exactly this plan now. `typed`: the region's name, for tier 3."""
        if not run.plan_hash or approval.plan_hash != run.plan_hash:
            raise Refused(phrase(N_("The plan has changed since you saw it. Read the new one first.")))
        if now > expires_at(run, playbook):
            what = N_("The plan is older than {expires}: things may have changed. Ask for the playbook again.")
            raise Refused(phrase(what, expires=(playbook.approval or Rule()).expires))
        self._is_another_person(run, playbook, approval)
        self._is_another_login(run, playbook, approval)
        if playbook.tier == 3:
            _has_typed_the_region(run, typed)

    def judge_undo(self, run: Run, playbook: Playbook, typed: str) -> None:
        """Raises `Refused` unless the region's name was typed where the playbook is about regions."""
        if playbook.tier == 3:
            _has_typed_the_region(run, typed)

    def counted(self, run: Run, playbook: Playbook) -> tuple[Approval, ...]:
        """The approvals that count for the plan as it is: of this plan, in time, each of another person."""
        found: tuple[Approval, ...] = ()
        for approval in run.approvals:
            earlier = run.model_copy(update={"approvals": found})
            try:
                # The region was typed when the approval was given.
                self.judge(earlier, playbook, approval, approval.at, typed=region_of(run))
            except Refused:
                continue
            found = (*found, approval)
        return found

    def enough(self, run: Run, playbook: Playbook) -> bool:
        """Whether as many people as the playbook wants have approved the plan as it is."""
        return len(self.counted(run, playbook)) >= needed(playbook)

    def voice(self, actor: str) -> str:
        """One name for one person, at the terminal and in Slack: neither may lend them a second voice."""
        key = actor.removeprefix(_CLI)
        if key in self.directory.people:
            return key
        person = self.directory.person_in_slack(actor[2:-1]) if _is_mention(actor) else None
        return person.key if person else actor

    def _role(self, name: str) -> Role | None:
        everybody = Role(people=tuple(self.directory.people)) if name == DEFAULT_ROLE else None
        return self.config.roles.get(name, everybody)

    async def _members(self, tx: Tx, role: Role) -> tuple[frozenset[str], tuple[str, ...]]:
        """The voices that have the role now, and the groups of which Slack has not said lately who is in them."""
        voices = {key for key in role.people if key in self.directory.people}
        people = await roster(tx, self.directory, taken=False) if role.on_call else self.directory
        for schedule in role.on_call:
            voices |= {person.key for person in people.on_call(schedule, tx.now)}
        unknown = []
        for group in role.slack_groups:
            known = await tx.groups.members(group)
            if known is None or tx.now - known[1] > STALE:
                unknown.append(group)
            else:
                voices |= {self.voice(f"<@{user}>") for user in known[0]}
        return frozenset(voices), tuple(unknown)

    def _is_another_person(self, run: Run, playbook: Playbook, approval: Approval) -> None:
        who = self.voice(approval.by)
        if playbook.others_approve and who == self.voice(run.requested_by):
            raise Refused(phrase(N_("You have asked for this run: somebody else must approve it.")))
        if any(who == self.voice(other.by) for other in _of_this_plan(run)):
            raise Refused(phrase(N_("You have approved it already; another person is needed.")))

    def _is_another_login(self, run: Run, playbook: Playbook, approval: Approval) -> None:
        """Whoever has a login can say that they are anybody: all that they say there is one voice."""
        if not approval.via:
            return
        used = {other.via for other in _of_this_plan(run)}
        if playbook.others_approve:
            used.add(run.requested_via)
        if approval.via in used:
            what = N_(
                "The login {login} has asked for this run or approved it already, and counts once. "
                "Somebody else must approve it, in Slack or with a login of their own."
            )
            raise Refused(phrase(what, login=approval.via))


#: What somebody reads whose login says nothing about who they are.
UNKNOWN_LOGIN = N_(
    "Nobody in people.yaml is called {login}. Say who you are with --as, or with LIFEBOAT_PERSON in the environment: "
    "one of {people}."
)


def needed(playbook: Playbook) -> int:
    """How many people must approve. With none, one press of somebody who has the role still starts it."""
    return max(1, (playbook.approval or Rule(people=0)).people)


def expires_at(run: Run, playbook: Playbook) -> datetime:
    """When the plan is void unless it has been approved; at that very instant an approval still counts."""
    return (run.planned_at or run.requested_at) + (playbook.approval or Rule()).expires


def region_of(run: Run) -> str:
    """The region in which the run acts, which whoever approves a run of tier 3 must type; empty when it names none."""
    return str(run.context.get("region") or "")


def _has_typed_the_region(run: Run, typed: str) -> None:
    region = region_of(run)
    if not region:
        raise Refused(phrase(N_("The run does not say in which region it acts, so nobody can agree to it.")))
    if not typed.strip():
        raise WrongRegion(phrase(N_("Type the name of the region in which it acts: {region}."), region=region))
    if typed.strip() != region:
        what = N_("It acts in {region}, and you have typed {typed}. Read the plan again, then type {region}.")
        raise WrongRegion(phrase(what, region=region, typed=typed.strip()[:100]))


def _of_this_plan(run: Run) -> Iterable[Approval]:
    return (approval for approval in run.approvals if approval.plan_hash == run.plan_hash)


def _is_mention(actor: str) -> bool:
    return actor.startswith("<@") and actor.endswith(">")


def _listing(people: Iterable[str]) -> str:
    names = sorted(people)
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "") if names else "-"
