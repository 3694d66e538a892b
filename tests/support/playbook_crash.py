"""Plays shipped playbooks against the emulated AWS, and kills the bot: `python -m tests.support.playbook_crash <folder> <template>`.

It lays the shop down once, and then reads lines of JSON: `playbook`, with either `every` or `share`, and `first` (which of the
moments that differ in what they leave behind), or `fails` (a step that fails once its effect is there, so that all is
taken back). For each it prints what was before, the night that nobody disturbed, each night with a kill, and an empty line.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
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

START = datetime(2026, 11, 23, 3, tzinfo=UTC)


def nights(stage: Stage, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield stage.before()
    whole = stage.undisturbed()
    yield whole
    if not stage.fails:
        for number in _chosen(len(whole["moments"]), asked):
            yield stage.killed(number)


def _chosen(count: int, asked: Mapping[str, Any]) -> Iterator[int]:
    """`every` so-manieth moment from `first` on; or a `share` of so many, spread evenly, `first` saying where."""
    every = asked.get("every") or max(1, count // asked["share"])
    first = asked["first"] if "every" in asked else (asked["first"] * 7) % every + 1
    return iter(range(first, count + 1, every))


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
        stage = prepared(folder, estate, clock, args.template, asked["playbook"], asked.get("fails", ""))
        for night in nights(stage, asked):
            print(json.dumps(night), flush=True)  # noqa: T201  # what this program is for

    for line in sys.stdin:
        clock.set(START)
        in_copy(lambda line=line: played(json.loads(line)))
        shutil.rmtree(args.folder / "nights", ignore_errors=True)
        print(flush=True)  # noqa: T201  # as above


if __name__ == "__main__":
    main()
