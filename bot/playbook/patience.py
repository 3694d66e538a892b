"""When a step that failed is tried again without a person. Pure."""

from datetime import timedelta

from bot.errors import FailureKind
from bot.playbook.model import Retry

_FIRST, _LONGEST = timedelta(seconds=5), timedelta(seconds=30)


def next_try(rule: Retry | None, kind: FailureKind, tries: int, *, transient: bool) -> timedelta | None:
    """How long to wait before the next try; None: this failure is for a person.

    `tries` so far without a person; `transient`: AWS limited us or did not answer, so that the same call may work later.
    What the step's own rule names is bounded by it; other transient failures are tried until the step's deadline.
    """
    if rule and kind in rule.on:
        return rule.wait if tries < rule.times else None
    if transient:
        return min(_FIRST * 1.5 ** min(tries, 20), _LONGEST)
    return None
