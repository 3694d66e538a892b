"""The CLI's way to the verbs: one transaction for one command, and the wait for what follows from it."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from bot.errors import Missing
from bot.language import Words

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return asyncio.run(work)


def me() -> str:
    """Who acts, for the timeline: the login name at this terminal."""
    return f"cli:{getpass.getuser()}"


@asynccontextmanager
async def desk() -> AsyncIterator[tuple[Any, Words]]:
    """The wired core and the reader at this terminal."""
    from bot.cli.say import words
    from bot.core import open_core
    from bot.settings import Settings

    core = await open_core(Settings())
    try:
        yield core, words(core.config.language, core.config.zone)
    finally:
        await core.close()


async def see_through(core: Any, done: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Wait until `done`, at most so long. When no other process works on the database, this one does meanwhile.

    Returns whether it is done. What is not done stays in the queue.
    """
    from bot.app import hire

    worker = None
    with suppress(Missing):
        core.database.lock_file()
        worker = await hire(core)
    task = asyncio.create_task(worker.run()) if worker else None
    try:
        async with asyncio.timeout(seconds):
            while not await done():  # noqa: ASYNC110  # what is awaited is in the database, perhaps another process's
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    finally:
        if worker and task:
            worker.stop()
            await task
            await worker.close()
    return True
