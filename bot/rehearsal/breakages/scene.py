"""What a breakage is, and what it is done to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.errors import N_, Phrase, phrase
from bot.rehearsal.estate import names
from bot.rehearsal.estate.estate import Estate
from bot.rehearsal.estate.site import Site
from bot.rehearsal.storefront import Storefront
from escalation.errors import BadValue


@dataclass(frozen=True)
class Scene:
    """What can be broken."""

    estate: Estate
    storefront: Storefront

    def site(self, region: str) -> Site:
        """Raises `BadValue` for a region in which there is no shop."""
        for site in self.estate.sites:
            if site.region == region:
                return site
        known = ", ".join(site.region for site in self.estate.sites)
        raise BadValue(
            phrase(N_("There is no shop in {region}."), region=repr(region)), phrase(N_("Known: {known}."), known=known)
        )


@dataclass(frozen=True)
class Fault:
    """What a breakage has done: in words, and what the alarm that notices it is about. `region`: where that alarm is."""

    what: Phrase
    dimensions: Mapping[str, str] = field(default_factory=dict)
    region: str = names.HOME


@dataclass(frozen=True)
class Kind:
    """One kind of breakage. `written` is its pattern, `meaning` what it does, `usual` its argument when none is given.

    `alarm` is the one that notices it, "" when none does; `noticed_after` the fault. `strike` breaks what the argument
    names; it blocks, as boto3 does, and raises `BadValue` for what there is not.
    """

    written: str
    meaning: str
    strike: Callable[[Scene, str], Fault]
    alarm: str = ""
    noticed_after: timedelta = timedelta(minutes=1)
    usual: str = ""
