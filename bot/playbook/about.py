"""Lengths of time as people say them when nobody knows exactly."""

from datetime import timedelta

#: Up to so long, and then rounded to so much.
_STEPS = (
    (timedelta(minutes=2), timedelta(seconds=10)),
    (timedelta(hours=1), timedelta(minutes=1)),
    (timedelta(hours=3), timedelta(minutes=5)),
)
_COARSEST = timedelta(minutes=15)


def about(length: timedelta) -> timedelta:
    """The length, rounded as far as a person would round it: 13 min 47 s becomes 14 min. Never nothing."""
    to = next((step for most, step in _STEPS if length < most), _COARSEST)
    return max(round(length / to), 1) * to
