"""Plays shipped playbooks against the emulated AWS, and kills the bot: `python -m tests.support.playbook_crash <folder> <template>`.

It lays the shop down once, and then reads lines of JSON: `playbook`, with either `every` or `share`, and `first` (which of the
moments that differ in what they leave behind), or `fails` (a step that fails once its effect is there, so that all is
taken back). For each it prints what was before, the night that nobody disturbed, each night with a kill, and an empty line.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from tests.support.core import example_people
from tests.support.engine_moments import watch
from tests.support.playbook_night import playbooks
from tests.support.playbook_stage import Stage, prepared
from tests.support.shared_clock import SharedClock
from tests.support.sleeping_aws import in_copy, laid_down

#: A step that waits for AWS passes the same moments again and again: the third time tells nothing new.
_ALIKE = 2
START = datetime(2026, 11, 23, 3, tzinfo=UTC)


def nights(stage: Stage, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield stage.before()
    whole = stage.undisturbed()
    yield whole
    if not stage.fails:
        for number in chosen(whole["moments"], asked):
            yield stage.killed(number)


def chosen(moments: Sequence[str], asked: Mapping[str, Any]) -> Sequence[int]:
    """The numbers of moments, counted from 1: of those that differ every so-manieth, or a `share` of so many, spread evenly."""
    seen: Counter[str] = Counter()
    different = []
    for number, moment in enumerate(moments, 1):
        seen[moment] += 1
        if seen[moment] <= _ALIKE:
            different.append(number)
    every = asked.get("every") or max(1, len(different) // asked["share"])
    return different[asked["first"] % every :: every][: asked.get("share")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("template", type=Path, help="an SQLite file with all tables")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    example_people()
    playbooks()
    clock = SharedClock(START)
    estate = laid_down(clock)
    os.environ.update(estate.environment)
    watch()

    def played(asked: Mapping[str, Any]) -> None:
        folder = args.folder / "nights"
        folder.mkdir()
        ready = prepared(folder, estate, clock, args.template, asked["playbook"], asked.get("fails", ""))
        stage = asyncio.run(ready)
        for night in nights(stage, asked):
            print(json.dumps(night), flush=True)  # noqa: T201  # what this program is for

    for line in sys.stdin:
        clock.set(START)
        in_copy(lambda line=line: played(json.loads(line)))
        shutil.rmtree(args.folder / "nights", ignore_errors=True)
        print(flush=True)  # noqa: T201  # as above


if __name__ == "__main__":
    main()
