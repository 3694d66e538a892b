"""What a rehearsal has shown: how long the shop was not what it should be, and what it has lost. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

#: So many looks in a row must find the shop well before it counts as recovered.
STEADY = 6


class Look(Protocol):
    """A sample of the shop, as `writer.py` takes them."""

    @property
    def at(self) -> datetime: ...

    @property
    def well(self) -> bool: ...

    @property
    def served(self) -> float: ...


def rto(looks: Sequence[Look], fault: datetime, steady: int = STEADY) -> timedelta | None:
    """From the fault until the shop answers every request and goes on to. None: it does not yet. Zero: it always did."""
    after = [one for one in looks if one.at >= fault]
    bad = [number for number, one in enumerate(after) if not one.well]
    if not bad:
        return timedelta() if len(after) >= steady else None
    good = after[bad[-1] + 1 :]
    return good[0].at - fault if len(good) >= steady else None


def rpo(lost: Sequence[datetime], fault: datetime) -> timedelta:
    """How old, when the fault came, the oldest acknowledged write was that is lost now. Zero: none from before is."""
    return max((fault - at for at in lost), default=timedelta()) if any(at < fault for at in lost) else timedelta()


def is_open(lost: Sequence[datetime], written: Sequence[datetime]) -> bool:
    """Whether the very first write is lost: then data went back further than anybody has written, and `rpo` is the least it is."""
    return bool(lost) and min(lost) <= min(written)


def availability(looks: Sequence[Look], start: datetime, end: datetime) -> float:
    """The share of requests served between two instants, from 0 to 1. Raises ValueError when nobody looked."""
    during = [one.served for one in looks if start <= one.at <= end]
    if not during:
        raise ValueError(f"Nobody looked between {start} and {end}.")
    return sum(during) / len(during)
