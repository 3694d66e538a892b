"""Elements, undos and retries of steps; locks, switches and user groups"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from bot.store.tables import Instant

JSONS = sa.JSON().with_variant(JSONB(), "postgresql")

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    runs: list[sa.Column[Any]] = [
        sa.Column("failed_step", sa.String(), nullable=True),
        sa.Column("automatic", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("requested_via", sa.Text(), server_default="", nullable=False),
        sa.Column("planned_at", Instant(), nullable=True),
        sa.Column("starts_at", Instant(), nullable=True),
        sa.Column("deadline_at", Instant(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
    ]
    for column in runs:
        op.add_column("runs", column)
    op.create_index("ix_runs_requested_at", "runs", ["requested_at"], unique=False)

    steps: list[sa.Column[Any]] = [
        sa.Column("of", sa.Text(), server_default="", nullable=False),
        sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("item", JSONS, nullable=True),
        sa.Column("undoes", sa.String(), nullable=True),
        sa.Column("happened", sa.Integer(), nullable=True),
        sa.Column("acting", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("question", JSONS, nullable=True),
    ]
    for column in steps:
        op.add_column("steps", column)

    op.create_table(
        "locks",
        sa.Column("resource", sa.String(length=500), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("free_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("resource"),
    )
    op.create_index("ix_locks_run", "locks", ["run"], unique=False)
    op.create_table(
        "switches",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "groups",
        sa.Column("slack", sa.String(length=40), nullable=False),
        sa.Column("members", JSONS, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("slack"),
    )


def downgrade() -> None:
    for table in ("groups", "switches", "locks"):
        op.drop_table(table)
    with op.batch_alter_table("steps", schema=None) as batch_op:
        for column in ("of", "retries", "item", "undoes", "happened", "acting", "answer", "question"):
            batch_op.drop_column(column)
    op.drop_index("ix_runs_requested_at", "runs")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        for column in (
            "failed_step",
            "automatic",
            "requested_via",
            "planned_at",
            "starts_at",
            "deadline_at",
            "undone_by",
        ):
            batch_op.drop_column(column)
