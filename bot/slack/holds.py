"""Which of Slack's methods must not be called for a while. A 429 holds one method, never the others.

Whoever waits is given a place in line: a hundred callers that all came back when the hold ends would be refused again,
and again, until their jobs are given up.
"""

from collections.abc import Mapping

#: Calls a minute of the methods that Slack limits most (tier 2); everything else that we use has 50 or more.
#: https://docs.slack.dev/apis/web-api/rate-limits
_SLOW = frozenset({"conversations.create", "conversations.setTopic", "conversations.list", "pins.add", "bookmarks.add"})
_POSTS_APART, _SLOW_APART, _APART = 1.0, 60 / 20, 60 / 50


class Holds:
    """The instants here are the caller's monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._next_place: dict[str, float] = {}

    def wait(self, method: str, args: Mapping[str, object], now: float) -> float | None:
        """Seconds until the caller's place in line; None when the method may be called now."""
        key = _key(method, args)
        if now >= self._until.get(key, now):
            return None
        place = self._next_place[key]
        self._next_place[key] = place + _apart(method)
        return place - now

    def hold(self, method: str, args: Mapping[str, object], now: float, seconds: float) -> None:
        """Slack said: not before so many seconds. The one who was told so has the first place."""
        key = _key(method, args)
        self._until[key] = max(self._until.get(key, now), now + seconds)
        self._next_place[key] = max(self._next_place.get(key, now), self._until[key] + _apart(method))


def _key(method: str, args: Mapping[str, object]) -> str:
    """Posts are limited by channel: a busy incident channel must not hold up a page to a person."""
    return f"{method} {args.get('channel')}" if method == "chat.postMessage" else method


def _apart(method: str) -> float:
    if method == "chat.postMessage":
        return _POSTS_APART
    return _SLOW_APART if method in _SLOW else _APART
