"""The clock of a recovery in words: when it will be over, measured against the promise. Pure."""

from datetime import timedelta

from bot.errors import N_
from bot.incident.incident import Incident
from bot.incident.prediction import Prediction
from bot.language import Words
from bot.playbook.about import about
from bot.slack.blocks import moment


def finish_line(finish: Prediction | None, incident: Incident, _: Words) -> str:
    """🏁 Will finish at 03:41, 11 min inside the target. Nothing when nobody can say."""
    if finish is None or incident.resolved:
        return ""
    at, inside = f"*{moment(finish.finishes_at, _)}*", finish.inside
    if inside < timedelta():
        return _("🏁 Will finish at {at}, {margin} *past the target*.", at=at, margin=about(-inside))
    margin = about(inside)
    if finish.latest_at > finish.finishes_at + inside:
        latest = moment(finish.latest_at, _)
        what = N_("🏁 Will finish at {at}, {margin} inside the target; in a slow case at {latest}, past it.")
        return _(what, at=at, margin=margin, latest=latest)
    return _("🏁 Will finish at {at}, {margin} inside the target.", at=at, margin=margin)
