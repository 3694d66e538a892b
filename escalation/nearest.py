"""What a mistyped name was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

from escalation.phrase import N_, Phrase, phrase


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, whatever its case; None when nothing comes close."""
    by_lower = {one.lower(): one for one in sorted(known)}
    found = get_close_matches(str(name).lower(), list(by_lower), n=1)
    return by_lower[found[0]] if found else None


def suggestion(name: object, known: Iterable[str]) -> Phrase:
    """What to do about a name that is not among the `known` ones, which are few enough to be listed."""
    names = sorted(known)
    if not names:
        return phrase(N_("None is defined yet: define it first."))
    listing = ", ".join(names)
    meant = nearest(name, names)
    if meant:
        return phrase(N_("Did you mean {meant}? Known: {known}."), meant=meant, known=listing)
    return phrase(N_("Known: {known}."), known=listing)
