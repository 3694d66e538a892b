"""Plays a night once for each moment, kills it there, and lets a second process go on: `python -m tests.support.engine_crash`.

Everything is imported once and then forked, or the imports would take longer than all the nights. Prints one JSON line for
the night that nobody disturbed, then one for each kill.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import structlog

from tests.support.core import example_people
from tests.support.engine_moments import Moments, tell, watch
from tests.support.engine_story import Ending, Night

#: A night that takes longer has jammed; the kill that is meant comes by SIGKILL, this one by SIGALRM.
_LONGEST = 120


class Stage:
    """Where nights are played: `fresh` gives the URL of a database with all tables, and a folder."""

    def __init__(self, folder: Path, template: str, ending: Ending, *, lasting_only: bool) -> None:
        self.folder, self.template, self.ending, self.lasting_only = folder, template, ending, lasting_only

    def fresh(self, name: str) -> tuple[Path, str]:
        folder = self.folder / name
        folder.mkdir()
        if self.template.startswith("postgresql:"):
            return folder, _copied(self.template)
        shutil.copy(self.template, folder / "lifeboat.db")
        return folder, f"sqlite:///{folder / 'lifeboat.db'}"

    def undisturbed(self) -> dict[str, Any]:
        """The night as it is, and the names of its moments. Played right here: what it compiles, the others inherit."""
        folder, url = self.fresh("undisturbed")
        self._plays(folder, url, 0)
        moments = (folder / "moments").read_text().splitlines()
        return {"moments": moments, **json.loads((folder / "end").read_text())}

    def killed(self, number: int) -> dict[str, Any]:
        """Killed at that moment, then played to the end by another process."""
        folder, url = self.fresh(f"killed-{number}")
        died = self._forked(folder, lambda: self._plays(folder, url, number))
        name = (folder / "moments").read_text() if died else ""
        (folder / "moments").unlink()
        self._forked(folder, lambda: self._plays(folder, url, 0))
        end = json.loads((folder / "end").read_text())
        shutil.rmtree(folder)
        return {"number": number, "died": died, "moment": name, **end}

    def _plays(self, folder: Path, url: str, die_at: int) -> None:
        moments = Moments(folder / "moments", die_at, lasting_only=self.lasting_only)
        tell(moments)
        end = asyncio.run(_night(folder, url, self.ending))
        moments.save()
        (folder / "end").write_text(json.dumps(end))

    def _forked(self, folder: Path, work: Callable[[], None]) -> bool:
        """Do it in a process of its own; whether that was killed. Its own failure ends us, with its traceback."""
        child = os.fork()
        if not child:
            try:
                signal.alarm(_LONGEST)
                work()
            except BaseException:  # noqa: BLE001  # it must not go on as a second parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in {0, -9}:
            sys.exit(f"the night in {folder} ended with {status}")
        return status == -9


async def _night(folder: Path, url: str, ending: Ending) -> dict[str, Any]:
    return await Night(folder, url, ending).goes_on()


def _copied(template: str) -> str:
    server, _, name = template.rpartition("/")
    copy = f"k_{uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    return f"{server}/{copy}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "template", help="an SQLite file with all tables, or the URL of a PostgreSQL database with them"
    )
    parser.add_argument("ending", choices=["succeeded", "undone", "aborted"])
    parser.add_argument("--every", type=int, default=1, help="of this many moments in a row, take one")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="not only the moments that differ in what they leave behind")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    example_people()
    stage = Stage(args.folder, args.template, args.ending, lasting_only=not args.all)
    watch()
    whole = stage.undisturbed()
    print(json.dumps(whole), flush=True)  # noqa: T201  # what this program is for
    for number in range(args.first, len(whole["moments"]) + 1, args.every):
        print(json.dumps(stage.killed(number)), flush=True)  # noqa: T201  # as above


if __name__ == "__main__":
    main()
