"""Which writes were made in the region that should not have written, and what became of each. Pure.

A stream does not say where a write was made. But a write is seen first where it was made: one that the other region's stream
shows at the same time or earlier came from there. A write that the other region's stream never shows has lost against a
later one ("the last writer wins"); one that it shows may have replaced what was written there since the fence.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel

from bot.aws.dynamodb.compare import canonical
from bot.aws.dynamodb.conditional import to_json
from bot.aws.dynamodb.streams import Record

Fate = Literal["lost", "replaced", "arrived"]


class Seen(BaseModel):
    """When the region with the pen showed a write (seconds since 1970), and what it replaced there."""

    at: int
    before: str


class Late(BaseModel):
    """One write of the region without the pen. `lost`: never shown by the other; `replaced`: it took the place of another."""

    fate: Fate
    at: str
    key: dict[str, Any]
    written: dict[str, Any] | None
    replaced: dict[str, Any] | None = None


@dataclass(frozen=True)
class Window:
    """`since`: when the old region lost the pen; writes from up to `margin` before are judged too."""

    since: datetime
    margin: timedelta


def note(record: Record, seen: dict[str, Seen]) -> None:
    """A write that the region with the pen showed; of the same write twice, the first."""
    seen.setdefault(_digest(record, "NewImage"), Seen(at=_at(record), before=_image(record, "OldImage")))


def judge(record: Record, window: Window, seen: Mapping[str, Seen], own: set[str]) -> Late | None:
    """What became of a write that the region without the pen showed; None: it came from the other, or is older.

    `own` collects what was made in the region without the pen: to write over that again is no conflict. Of what was written
    within the margin, only what is lost or has replaced another is told.
    """
    at, since, digest = (
        record["ApproximateCreationDateTime"],
        window.since.replace(microsecond=0),
        _digest(record, "NewImage"),
    )
    found = seen.get(digest)
    if at < since - window.margin or (found is not None and found.at <= _at(record)):
        return None
    own.add(digest)
    fate = _fate(record, found, seen, own)
    if fate == "arrived" and at < since:
        return None
    written = record.get("NewImage")
    return Late(
        fate=fate, at=at.isoformat(), key=to_json(record["Keys"]), written=None if written is None else to_json(written)
    )


def _fate(record: Record, found: Seen | None, seen: Mapping[str, Seen], own: set[str]) -> Fate:
    if found is None:
        return "lost"
    replaced = _digest_of(record, found.before)
    theirs = replaced in seen and replaced not in own
    return "replaced" if theirs or found.before != _image(record, "OldImage") else "arrived"


def in_words(late: Late) -> str:
    """`order-7`, or `order-7/2`: the key as people know it."""
    return "/".join(str(next(iter(value.values()))) for value in late.key.values())


def _at(record: Record) -> int:
    return int(record["ApproximateCreationDateTime"].timestamp())


def _digest(record: Record, which: str) -> str:
    """Of the key and the image: 64 bits."""
    return _digest_of(record, _image(record, which))


def _digest_of(record: Record, image: str) -> str:
    return hashlib.sha256((canonical(record["Keys"]) + image).encode()).hexdigest()[:16]


def _image(record: Record, which: str) -> str:
    """Of one image, short; "" where there is none."""
    image = record.get(which)
    return "" if image is None else hashlib.sha256(canonical(image).encode()).hexdigest()[:16]
