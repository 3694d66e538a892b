"""The CLI's way to the verbs: one transaction for one command, and the wait for what follows from it."""

import asyncio
import os
import pwd
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from bot.errors import Missing, Refused, phrase
from bot.jobs import Lane
from bot.language import Words

Result = TypeVar("Result")
#: A running `serve` takes what is due within a second, and at once as a rule.
_UNTOUCHED = timedelta(seconds=2)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine."""
    import logging

    from bot.logs import configure_logging

    configure_logging(logging.ERROR)
    return asyncio.run(work)


def login() -> str:
    """Whose process this is, as the system says: the environment, which anybody may set, is not asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"{os.getuid()}"


def me() -> str:
    """Who acts, for the timeline, where anybody at this machine may act: an incident can be declared by whoever sees it."""
    from bot.settings import Settings

    return f"cli:{Settings().person or login()}"


def person(core: Any, named: str | None) -> str:
    """Who decides about a run: whoever `--as` or LIFEBOAT_PERSON names, else the login if people.yaml has such a key.

    Nothing proves it: whoever may use the database and the credentials of this machine could do without us. It keeps
    people apart who are honest, and `login`, which is stored with their word, tells afterwards. Raises `Refused`.
    """
    from bot.incident.approval import UNKNOWN_LOGIN

    key = named or core.settings.person or login()
    if key not in core.directory.people:
        raise Refused(phrase(UNKNOWN_LOGIN, login=key, people=", ".join(sorted(core.directory.people))))
    return f"cli:{key}"


def is_attended() -> bool:
    """Whether somebody sits at this terminal and can be asked."""
    return sys.stdin.isatty()


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

    worker = task = None
    try:
        async with asyncio.timeout(seconds):
            while not await done():
                if worker is None and await _nobody_works(core):
                    worker = await hire(core)
                    task = asyncio.create_task(worker.run())
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    finally:
        if worker and task:
            worker.stop()
            await task
            await worker.close()
        core.database.unlock_file()
    return True


async def _nobody_works(core: Any) -> bool:
    """Whether this process may do the work: it holds the file of an embedded database, or work lies about untouched.

    A running `serve` has more than a terminal has (Slack's token, for one), so nothing is taken from under its hands.
    """
    try:
        core.database.lock_file()
    except Missing:
        return False
    if not core.database.postgres:
        return True
    async with core.store.begin() as tx:
        due = [await tx.jobs.next_due(lane) for lane in (Lane.ALARM, Lane.PAGE, Lane.AWS)]
        return any(at is not None and tx.now - at > _UNTOUCHED for at in due)
