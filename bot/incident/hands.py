"""What runs reach AWS with: the tables of actions and checks, sessions by region, and the pool that calls run on."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Action, Aws, Check
from bot.playbook.context import Context
from bot.playbook.fence import Fence

Result = TypeVar("Result")


class Pool(Protocol):
    """The bounded thread pool for blocking calls."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]: ...


@dataclass(frozen=True)
class Hands:
    """`sessions` gives a region's clients."""

    actions: Mapping[str, Action]
    checks: Mapping[str, Check]
    sessions: Callable[[str], Aws]
    pool: Pool

    def used(self, name: str) -> Action | Check:
        """The action or the check of that name. Raises `ActionFailed` for one that this version does not have."""
        found = self.actions.get(name) or self.checks.get(name)
        if found is None:
            raise ActionFailed(phrase(N_("This version of Lifeboat has no action or check named {name}."), name=name))
        return found

    def recalls(self, name: str) -> Collection[str]:
        """What the action or the check of that name wants to be told of what is known beforehand."""
        found = self.actions.get(name) or self.checks.get(name)
        return found.facts.recalls if found else ()

    def aws(self, context: Context, region: str = "", *, best_effort: bool = False) -> Aws:
        """Clients for a step: in its region, and never of the region that is failing unless it says `best_effort`."""
        found = self.sessions(region or context.region)
        return Fence(found, context.failing) if context.failing and not best_effort else found


def broken(error: Exception) -> Phrase:
    """A defect of ours, as people are told of it."""
    return phrase(N_("Lifeboat itself made a mistake here ({error}). Its log says more."), error=type(error).__name__)
