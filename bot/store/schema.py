"""Create and upgrade the tables (Alembic). Every start does it: an old database is brought up to date before use."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.errors import N_, Missing, phrase
from bot.store.database import Database

#: Two replicas that start together upgrade one after the other (PostgreSQL advisory lock).
_LOCK = 0x11FEB0A7


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest revision that this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the tables up to date; (revision before, revision after).

    Raises `Missing` when the database is newer than this program: an older one must not write to it; `Unavailable`.
    """
    async with database.begin() as (connection, _now):
        before: str | None = await connection.run_sync(_upgrade, postgres=database.postgres)
    return before, head()


def _upgrade(connection: Connection, *, postgres: bool) -> str | None:
    if postgres:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = MigrationContext.configure(connection).get_current_revision()
    known: Any = {revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions()}
    if before is not None and before not in known:
        what = N_(
            "The database is at revision {revision}, which this version of Lifeboat does not know. Upgrade Lifeboat."
        )
        raise Missing(phrase(what, revision=before))
    if before != head():
        command.upgrade(_config(connection), "head")
    return before
