"""Create and upgrade the tables (Alembic). Every start does it: an old database is brought up to date before use."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from bot.errors import N_, Missing, phrase
from bot.store.database import Database

#: Two replicas that start together upgrade one after the other (PostgreSQL advisory lock).
_LOCK = 0x11FEB0A7
_MIGRATIONS = Path(__file__).parent / "migrations"


def head() -> str:
    """The newest revision that this program knows: its migrations are numbered by their files' names."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


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
    before = _revision(connection)
    if before != head():
        _migrate(connection, before)
    return before


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _config(connection: Connection | None = None) -> Any:
    # Alembic is a tenth of an idle process's memory, and a database is up to date nearly always.
    from alembic.config import Config  # noqa: PLC0415  # as said

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _migrate(connection: Connection, before: str | None) -> None:
    from alembic import command  # noqa: PLC0415  # as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

    config = _config(connection)
    known: Any = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        what = N_(
            "The database is at revision {revision}, which this version of Lifeboat does not know. Upgrade Lifeboat."
        )
        raise Missing(phrase(what, revision=before))
    command.upgrade(config, "head")
