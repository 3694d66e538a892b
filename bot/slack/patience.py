"""Waiting no longer than Slack does."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.errors import Phrase, Unavailable

T = TypeVar("T")

#: Keeps what was given up alive until it has ended.
_given_up: set[asyncio.Task[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, T], otherwise: Phrase) -> T:
    """What the work returns. Raises `Unavailable` with `otherwise` after so many seconds.

    Unlike `asyncio.timeout` this does not wait for the cancelled work to clean up after itself: a database driver whose
    statement hangs may need many seconds for that, and the person's three are over.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            _given_up.add(task)
            task.add_done_callback(_forget)
    if not task.done():
        raise Unavailable(otherwise)
    return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not report it as never retrieved
