"""Rehearsals on a shop that is laid down once: each is played in a forked copy, and says what it has shown as JSON.

`python -m tests.support.theatre <folder>` reads lines of JSON: `story`, as `tests.dr.test_zone:goes_dark`, a coroutine
function that takes a rehearsal in which nothing is broken yet and returns what a test may judge; and `arguments` for it.
It prints one line for each: `{"ok": ...}` or `{"why": ...}`.
"""

import argparse
import asyncio
import gc
import importlib
import json
import logging
import os
import shutil
import sys
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.rehearsal import Rehearsal
from bot.rehearsal.storefront import Storefront
from bot.rehearsal.writer import Writer
from tests.support import reply_shapes
from tests.support.sleeping_aws import LaidEstate, in_copy, laid_down

Story = Callable[..., Awaitable[Any]]
#: Twice as seldom as in `lifeboat rehearse`, which halves what a customer costs, and the figures are as exact as this.
EVERY = timedelta(seconds=10)
_START = datetime(2026, 11, 23, 3, tzinfo=UTC)


class Replayed(Rehearsal):
    """A rehearsal on a shop that was laid down before."""

    def __init__(self, estate: LaidEstate, folder: Path, **more: Any) -> None:
        super().__init__(folder, **{"every": EVERY, **more})
        self.aws, self.estate = estate.aws, estate
        self.storefront = Storefront(estate)
        self.writer = Writer(self.storefront, self.writer.every)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    logging.disable()  # what AWS cannot do on purpose is no news
    reply_shapes.watch()
    estate = laid_down(Clock(start=_START))
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        said = args.folder / "said"
        in_copy(lambda asked=asked, said=said: _plays(estate, args.folder, asked, said))
        print(said.read_text() if said.exists() else '{"why": "its process ended"}', flush=True)  # noqa: T201  # its purpose
        said.unlink(missing_ok=True)


def _plays(estate: LaidEstate, folder: Path, asked: dict[str, Any], said: Path) -> None:
    module, _, name = asked["story"].partition(":")
    home = folder / str(os.getpid())
    home.mkdir()
    try:
        story: Story = getattr(importlib.import_module(module), name)
        found = asyncio.run(_told(Replayed(estate, home), story, asked["arguments"]))
        reply_shapes.judge()
        said.write_text(json.dumps({"ok": found}, default=str))
    except Exception:  # noqa: BLE001  # the test that asked fails with it
        said.write_text(json.dumps({"why": traceback.format_exc()}))
    shutil.rmtree(home)


async def _told(night: Rehearsal, story: Story, arguments: dict[str, Any]) -> Any:
    async with night:
        return await story(night, **arguments)


if __name__ == "__main__":
    main()
