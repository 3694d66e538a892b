"""Rehearsals: something breaks, the bot pages, people run the shipped playbook, and the shop answers again.

Each is played on a copy of one shop (`tests/support/theatre.py`), in the rehearsal's own time: forty minutes take seconds.
What was measured is written to build/rehearsals.json.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rehearsals import Recovery, Story, record, recovered


class Theatre:
    """Where stories are played; one for each test process."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.theatre", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def plays(self, story: Story, **arguments: Any) -> Any:
        """What the story returns, through JSON. Raises AssertionError with its traceback."""
        asked = {"story": f"{story.__module__}:{story.__name__}", "arguments": arguments}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        assert "ok" in said, said.get("why")
        return said["ok"]

    def rehearses(self, playbook: str, *breaks: str, story: Story = recovered, **arguments: Any) -> Recovery:
        """A night in which this is broken and that playbook cures it, measured and written down."""
        seen = self.plays(story, playbook=playbook, breaks=breaks, **arguments)
        recovery = Recovery(playbook, breaks, seen)
        record(recovery)
        return recovery


@pytest.fixture(scope="session")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    made = Theatre(tmp_path_factory.mktemp("theatre"))
    yield made
    made.process.kill()
    made.process.communicate()
