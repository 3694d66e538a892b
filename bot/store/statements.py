"""What the rows need of a connection."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import CursorResult, Dialect

Done = TypeVar("Done")


class Statements(Protocol):
    """A connection within a transaction: SQLAlchemy's `AsyncConnection` (PostgreSQL), or ours (`bot.store.turns`)."""

    @property
    def dialect(self) -> Dialect: ...

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]: ...

    async def exec_driver_sql(self, statement: str) -> CursorResult[*tuple[Any, ...]]: ...

    async def run_sync(self, work: Callable[..., Done], /, *args: Any, **more: Any) -> Done:
        """Call `work` with the plain connection, for what expects one."""
        ...
