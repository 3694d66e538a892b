"""Alembic's entry: runs the migrations over the connection that `bot.store.schema` hands in."""

from alembic import context
from sqlmodel import SQLModel

from bot.store import tables as _tables  # noqa: F401  # registers the tables for autogenerate

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
