"""Who may decide about a run: the roles of lifeboat.yaml, and what an approval must fit. It fails closed."""

from datetime import datetime

from bot.config import Config
from bot.errors import N_, Refused, phrase
from bot.incident.ports import Tx
from bot.incident.run import Approval, Run
from bot.playbook.model import Approval as Rule
from bot.playbook.model import Playbook
from escalation.loading import Directory


class Approvers:
    """Judges people and approvals; `Refused` says why not."""

    def __init__(self, config: Config, directory: Directory) -> None:
        self.config, self.directory = config, directory

    async def allow(self, tx: Tx, playbook: Playbook, by: str) -> None:  # noqa: ARG002  # groups are kept in the store
        """Raises `Refused` unless `by` has the role that the playbook names."""
        role = playbook.approval.role if playbook.approval else "responder"
        members = self.config.roles.get(role, tuple(self.directory.people) if role == "responder" else ())
        if by not in members and not by.startswith("cli:"):
            what = N_("Only a {role} may do this. Ask one of: {members}.")
            raise Refused(phrase(what, role=role, members=", ".join(members) or "-"))

    def judge(self, run: Run, playbook: Playbook, approval: Approval, now: datetime, typed: str = "") -> None:  # noqa: ARG002
        """Raises `Refused` unless this person may approve exactly this plan now. `typed`: the region's name, for tier 3."""
        if approval.plan_hash != run.plan_hash:
            raise Refused(phrase(N_("The plan has changed since you saw it. Read the new one first.")))
        if now > expires_at(run, playbook):
            what = N_("The plan is older than {expires}: things may have changed. Ask for the playbook again.")
            raise Refused(phrase(what, expires=(playbook.approval or Rule()).expires))
        if any(_login(other.by) == _login(approval.by) for other in run.approvals):
            raise Refused(phrase(N_("You have approved it already; another person is needed.")))


def expires_at(run: Run, playbook: Playbook) -> datetime:
    """When the plan is void unless it has been approved."""
    return (run.planned_at or run.requested_at) + (playbook.approval or Rule()).expires


def _login(actor: str) -> str:
    """One name for one person, at the terminal and in Slack: neither may lend them a second voice."""
    return actor.removeprefix("cli:")
