import subprocess
import sys

import pytest


@pytest.mark.timeout(240)
def test_the_demo_story_ends_with_a_restored_table_a_paged_person_and_resolved_incidents() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", "--headless", "--language", "ko"],
        capture_output=True, text=True, timeout=220, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    in_order = [
        "corrupts half",
        "is paged",
        "acknowledges",
        "reads the plan",
        "none of its orders is corrupt",
        "resolves",
    ]
    places = [told.stdout.index(words) for words in in_order]
    assert places == sorted(places), told.stdout


@pytest.mark.timeout(240)
def test_the_demo_does_not_pass_when_nobody_is_paged() -> None:
    """The judge itself is judged: with Slack refusing everything, the story must not be called a success."""
    code = (
        "import asyncio, sys\n"
        "from bot.rehearsal import demo\n"
        "from bot.rehearsal.slack.faults import Fault\n"
        "from bot.rehearsal.stage import Stage\n"
        "demo._PATIENCE = 8.0\n"
        "inner = Stage.start_bot\n"
        "async def broken(self, **more):\n"
        "    self.slack.faults.add(Fault('refused', code='account_inactive', times=None))\n"
        "    return await inner(self, **more)\n"
        "Stage.start_bot = broken\n"
        "sys.exit(demo.play(headless=True, port=0, language='en'))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=220, check=False)
    assert told.returncode == 1, told.stdout + told.stderr
    assert "THE STORY BROKE" in told.stdout
