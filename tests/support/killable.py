"""`lifeboat serve` that kills itself once, at a moment of the database that nobody can reach from outside.

The bot is imported unchanged; listeners on SQLAlchemy know the moment. `KILL_WHEN`: `statement` (the first statement that
fits is about to run), `before` or `after` the commit of its transaction. `KILL_WROTE`: what the statement and its
parameters must show, as a regular expression. `KILL_ONCE`: a file that says that it has happened, so that the next
process lives. `NO_WATCHDOG`: the heart beats, but a process that slept past its lease is not ended.
"""

import os
import re
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

_ARMED = "lifeboat-kill"


def _die(once: Path) -> None:
    once.touch()
    os.kill(os.getpid(), signal.SIGKILL)


def _install(when: str, wrote: re.Pattern[str], once: Path) -> None:
    doomed: list[Any] = []

    @event.listens_for(Engine, "begin")
    def _begin(connection: Any) -> None:
        connection.info.pop(_ARMED, None)

    @event.listens_for(Engine, "before_cursor_execute")
    def _statement(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if wrote.search(f"{statement} {parameters}"):
            if when == "statement":
                _die(once)
            connection.info[_ARMED] = True

    @event.listens_for(Engine, "commit")
    def _commit(connection: Any) -> None:
        if connection.info.pop(_ARMED, False):
            if when == "before":
                _die(once)
            doomed.append(connection.connection)

    inner = DefaultDialect.do_commit

    def _do_commit(self: Any, connection: Any) -> None:
        inner(self, connection)
        if any(connection is one for one in doomed):
            _die(once)

    DefaultDialect.do_commit = _do_commit  # type: ignore[method-assign]  # there is no event after a commit


def main() -> None:
    from bot import worker
    from bot.cli import main as lifeboat

    if when := os.environ.get("KILL_WHEN"):
        once = Path(os.environ["KILL_ONCE"])
        if not once.exists():
            _install(when, re.compile(os.environ["KILL_WROTE"], re.DOTALL), once)
    if os.environ.get("NO_WATCHDOG"):
        worker.LEASE = timedelta(days=1)  # there it only says when a process has slept too long
    lifeboat()


if __name__ == "__main__":
    main()
