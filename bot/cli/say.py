"""What commands print: for people in their language, or as JSON for programs."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bot.errors import BadFiles, LifeboatError
from bot.language import Words


def words(language: str | None = None, zone: str | None = None) -> Words:
    """The reader at the terminal: LC_ALL, LC_MESSAGES or LANG says the language, TZ the zone; else what is given."""
    environment = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    spoken = environment.split(".")[0]
    known = spoken if spoken and spoken not in {"C", "POSIX"} else language or "en"
    return Words(known, os.environ.get("TZ") or zone or "UTC")


def explain(error: Exception) -> bool:
    """Tell the reader what went wrong on standard error. False for an error that is not ours to explain."""
    from pydantic import ValidationError

    _ = words()
    if isinstance(error, BadFiles):
        for problem in error.problems:
            print(_.phrase(problem), file=sys.stderr)
    elif isinstance(error, LifeboatError):
        print(_.phrase(error), file=sys.stderr)
    elif isinstance(error, ValidationError):
        for detail in error.errors(include_url=False, include_input=False):
            print(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}", file=sys.stderr)
    else:
        return False
    return True


def out(text: str = "") -> None:
    """One line of output."""
    print(text)


def as_json(value: Any) -> None:
    """A value as JSON, for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table that fits the terminal; plain text when the output is piped."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    drawn = Table(*head, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn)
