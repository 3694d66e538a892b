"""The clock of a recovery in words: when it will be over, measured against the promise. Pure."""

from datetime import datetime
from typing import Protocol

from bot.errors import N_
from bot.incident.incident import Incident
from bot.language import Words
from bot.playbook.about import about
from bot.slack.blocks import moment


class Finish(Protocol):
    """When a recovery will probably be over, and when it is at the latest in 19 of 20 cases."""

    @property
    def finishes_at(self) -> datetime: ...
    @property
    def latest_at(self) -> datetime: ...


def finish_line(finish: Finish | None, incident: Incident, _: Words) -> str:
    """🏁 Will finish at 03:41, 11 min inside the target. Nothing when nobody can say."""
    if finish is None or incident.resolved:
        return ""
    deadline = incident.started_at + incident.rto
    at, margin = f"*{moment(finish.finishes_at, _)}*", deadline - finish.finishes_at
    if finish.finishes_at > deadline:
        return _("🏁 Will finish at {at}, {margin} *past the target*.", at=at, margin=about(-margin))
    if finish.latest_at > deadline:
        latest = moment(finish.latest_at, _)
        what = N_("🏁 Will finish at {at}, {margin} inside the target; in a slow case at {latest}, past it.")
        return _(what, at=at, margin=about(margin), latest=latest)
    return _("🏁 Will finish at {at}, {margin} inside the target.", at=at, margin=about(margin))
