"""`INSERT` for rows that may be there already, for each dialect and table built once."""

from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


@cache
def unless_there(dialect: str, table: Table, *key: str, returning: bool = False) -> Any:
    """Leaves a row alone whose `key` is taken. `returning`: the primary keys of those that were written."""
    statement = _insert(dialect, table).on_conflict_do_nothing(index_elements=list(key))
    return statement.returning(*table.primary_key.columns) if returning else statement


@cache
def put(dialect: str, table: Table, key: str) -> Any:
    """Replaces a row whose `key` is taken."""
    statement = _insert(dialect, table)
    new = {column.name: statement.excluded[column.name] for column in table.columns if column.name != key}
    return statement.on_conflict_do_update(index_elements=[key], set_=new)


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
