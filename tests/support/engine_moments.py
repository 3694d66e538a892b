"""The moments at which a process can die and leave something else behind: found while it runs, not listed.

A killed process leaves what is in its files: whatever it did between two writes, whoever comes next finds the same. So the
moments that differ are those right after a commit that wrote something, and right after the cloud was told to change
something; these are `lasting`. Those right before are there too, and those at which the cloud is only asked.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

_WROTE = "engine-moments-wrote"
_WRITES = ("INSERT", "UPDATE", "DELETE")


class Moments:
    """Counts moments; dies at the one of that number, 0: at none. `file` keeps their names."""

    def __init__(self, file: Path, die_at: int, *, lasting_only: bool) -> None:
        self.file, self.die_at, self.lasting_only, self.names = file, die_at, lasting_only, list[str]()

    def passed(self, name: str, lasting: bool) -> None:
        if self.lasting_only and not lasting:
            return
        self.names.append(name)
        if len(self.names) == self.die_at:
            self.file.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def save(self) -> None:
        self.file.write_text("\n".join(self.names))


_told: list[Callable[[str, bool], None]] = []


def moment(name: str, *, lasting: bool = False) -> None:
    """It is now."""
    for tell in _told:
        tell(name, lasting)


def tell(moments: Moments) -> None:
    """From now on, these are told."""
    _told[:] = [moments.passed]


def watch() -> None:
    """Tell of the moments of the database, too. Once in a process."""
    written: dict[int, str] = {}

    @event.listens_for(Engine, "begin")
    def _begin(connection: Any) -> None:
        connection.info[_WROTE] = ""

    @event.listens_for(Engine, "after_cursor_execute")
    def _executed(connection: Any, cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if statement.startswith(_WRITES) and (cursor.rowcount > 0 or _changed(connection)):
            connection.info[_WROTE] += f", {_named(statement, context.compiled_parameters)}"

    @event.listens_for(Engine, "commit")
    def _commit(connection: Any) -> None:
        if what := connection.info.pop(_WROTE, ""):
            moment(f"before the commit of{what[1:]}")
            written[id(connection.connection)] = what

    inner = DefaultDialect.do_commit

    def _do_commit(self: Any, connection: Any) -> None:
        inner(self, connection)
        if what := written.pop(id(connection), ""):
            moment(f"after the commit of{what[1:]}", lasting=True)

    DefaultDialect.do_commit = _do_commit  # type: ignore[method-assign]  # there is no event after a commit


def _named(statement: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    """Which table, and of a row of a run its phase: so that whoever reads of a failure knows when it was."""
    words = statement.split()
    verb, table = words[0].lower(), words[1] if words[0] == "UPDATE" else words[2]
    if table != "steps":
        return f"{verb} {table}"
    return ", ".join(_phase(one) for one in parameters)


def _phase(row: Mapping[str, Any]) -> str:
    how_far = "acted" if row.get("acted") else "intended" if row.get("params") else ""
    return f"{row.get('step')} {row.get('state')} {how_far}".strip()


def _changed(connection: Any) -> bool:
    """SQLite does not say how many rows a RETURNING has written, but what a connection has written in all."""
    raw = connection.connection.driver_connection
    now = getattr(raw, "total_changes", 0)
    before = connection.info.get("engine-moments-changes", 0)
    connection.info["engine-moments-changes"] = now
    return bool(now != before)
