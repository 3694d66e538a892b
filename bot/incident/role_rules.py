"""Playbooks that nobody could approve, found before the night: their role does not exist, or has too few people."""

from collections.abc import Iterable, Iterator

from bot.config import Config, Role
from bot.errors import N_, BadFile, phrase
from bot.incident.approval import DEFAULT_ROLE, needed
from bot.playbook.model import Playbook
from escalation.document import Document
from escalation.loading import Directory
from escalation.nearest import suggestion


def role_problems(
    config: Config, directory: Directory, playbooks: Iterable[tuple[Document, Playbook]]
) -> Iterator[BadFile]:
    """One problem for each playbook whose approval cannot be given, at its place in the playbook's file."""
    everybody = {DEFAULT_ROLE: Role(people=tuple(directory.people))}
    roles = {**everybody, **config.roles}
    for document, playbook in playbooks:
        rule = playbook.approval
        if rule is None:
            continue
        if rule.role not in roles:
            what = phrase(N_("lifeboat.yaml has no role {role}, so nobody can approve this."), role=rule.role)
            yield document.problem(("approval", "role"), what, suggestion(rule.role, roles))
        elif (most := _most(roles[rule.role], directory)) is not None and most < needed(playbook):
            what = phrase(
                N_("{people} people must approve this, and the role {role} has {count}."),
                people=needed(playbook), role=rule.role, count=most,
            )  # fmt: skip
            todo = phrase(N_("Add people to the role in lifeboat.yaml, or ask for fewer."))
            yield document.problem(("approval", "people"), what, todo)


def _most(role: Role, directory: Directory) -> int | None:
    """How many people can have the role at once; None when a Slack group says so, which nobody knows beforehand."""
    if role.slack_groups:
        return None
    people = set(role.people)
    at_once = len(people)
    for name in dict.fromkeys(role.on_call):
        schedule = directory.schedule(name)
        at_once += 1 + sum(
            override.add is not None for override in schedule.overrides
        )  # one at a time, and who is added
        people |= {*schedule.everybody, *(name for override in schedule.overrides for name in override.brings)}
    return min(at_once, len(people))
