"""What a rule is given: a playbook, or one of its steps, with all that is needed to judge it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.errors import BadFile, Phrase
from bot.playbook.action import Facts
from bot.playbook.model import Playbook, Step
from escalation.document import Document, Path_


@dataclass(frozen=True)
class Tables:
    """What playbooks may name: the facts of every action and check."""

    actions: Mapping[str, Facts]
    checks: Mapping[str, Facts]

    def facts(self, step: Step) -> Facts | None:
        """What the step runs, as it is with the step's parameters; None for nothing, and for a name that nobody knows."""
        found = (self.actions if step.action else self.checks).get(step.uses or "")
        return found.given(step.parameters) if found else None


@dataclass(frozen=True)
class Book:
    """One playbook."""

    document: Document
    playbook: Playbook
    tables: Tables


@dataclass(frozen=True)
class Place:
    """One step; `path` is where it stands."""

    document: Document
    playbook: Playbook
    tables: Tables
    step: Step
    path: Path_

    @property
    def facts(self) -> Facts | None:
        """What the step runs; None for nothing, and for a name that nobody knows."""
        return self.tables.facts(self.step)

    def problem(self, below: Path_, what: Phrase, todo: Phrase | str = "", *, at_key: bool = False) -> BadFile:
        """A problem at a path below the step."""
        return self.document.problem((*self.path, *below), what, todo, at_key=at_key)
