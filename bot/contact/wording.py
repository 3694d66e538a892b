"""What a page says in one sentence, wherever it cannot have buttons."""

from bot.errors import N_
from bot.incident.incident import Incident
from bot.language import Words

_TITLE = 120


def title(incident: Incident) -> str:
    """Its title, cut so that what follows it is read too."""
    return incident.title if len(incident.title) <= _TITLE else incident.title[: _TITLE - 1] + "…"


def place(incident: Incident) -> str:
    """The service, else the region."""
    return incident.service or incident.region or "-"


def spoken(incident: Incident, _: Words) -> str:
    """For a voice: no ids, no links."""
    return _(
        N_("Lifeboat. {title}. Service {service}, since {time}. Press 4 to acknowledge."),
        title=title(incident), service=place(incident), time=incident.started_at,
    )  # fmt: skip
