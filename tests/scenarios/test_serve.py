"""The process itself: Socket Mode, readiness, metrics, a graceful stop, and what it says when something is missing."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.rehearsal.shop import ORDERS_ALARM
from bot.rehearsal.slack import Fault
from bot.rehearsal.stage import Stage
from bot.slack.incident_buttons import ACKNOWLEDGE

pytestmark = pytest.mark.timeout(120)


async def test_over_socket_mode_a_page_is_answered_without_any_public_address(tmp_path: Path) -> None:
    async with Stage(tmp_path, socket_mode=True) as stage:
        bot = await stage.start_bot()
        await asyncio.to_thread(stage.shop.corrupt_orders)
        mina = stage.slack.person("mina")
        await mina.waits_until(lambda: any(ORDERS_ALARM in mina.reads(m) for m in mina.direct_messages()), timeout=40)
        await mina.click(ACKNOWLEDGE, channel="@lifeboat")
        await mina.waits_until(lambda: mina.sees("✅", channel="@lifeboat"), timeout=40)
        async with aiohttp.ClientSession() as session, session.get(f"{stage.bot_url}/metrics") as answer:
            told = await answer.text()
        assert 'lifeboat_alarms_accepted_total{door="sqs"} 1.0' in told
        assert 'lifeboat_pages_total{method="slack",outcome="sent"} 1.0' in told
        assert "lifeboat_incidents_open 1.0" in told
        await stage.stop_bot(bot)
        assert bot.returncode == 0, stage.log()


async def test_it_is_not_ready_when_its_queue_does_not_answer(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        stage.aws.faults.cut("sqs")
        await stage.start_bot(ready=False)
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{stage.bot_url}/readyz") as answer:
                        status, told = answer.status, await answer.json()
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        assert (status, told["problems"]) == (503, {"queue": "no answer"})


async def test_a_slack_that_refuses_everything_stops_neither_the_start_nor_the_page(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        stage.slack.faults.add(Fault("refused", "*", times=None, code="invalid_auth"))
        bot = await stage.start_bot()
        await asyncio.to_thread(stage.shop.corrupt_orders)
        async with asyncio.timeout(40):
            while not stage.aws.sms:  # noqa: ASYNC110  # the emulated SNS has no event for a text message
                await asyncio.sleep(0.05)
        assert ORDERS_ALARM in stage.aws.sms[0][1]
        assert bot.returncode is None
        assert "invalid_auth" in stage.log()


async def test_a_second_process_on_one_sqlite_file_refuses_to_start_and_names_the_first(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        first = await stage.start_bot()
        second = await stage.start_bot(port=0, ready=False)
        assert await asyncio.wait_for(second.wait(), 40) == 1
        assert f"process {first.pid}" in stage.log()
        assert "PostgreSQL" in stage.log()


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, ["SLACK_BOT_TOKEN", "OAuth & Permissions", "lifeboat manifest"]),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, ["SLACK_SIGNING_SECRET", "Basic Information"]),
        ({"LIFEBOAT_DATABASE_URL": "mysql://x"}, ["LIFEBOAT_DATABASE_URL", "postgresql://"]),
        ({"LIFEBOAT_CONFIG": "/nowhere/lifeboat.yaml", "SLACK_BOT_TOKEN": "x", "SLACK_SIGNING_SECRET": "y"},
         ["/nowhere/lifeboat.yaml:1:1"]),
    ],
)  # fmt: skip
def test_serve_says_what_is_missing_and_how_to_get_it(
    environment: dict[str, str], says: list[str], tmp_path: Path
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "LIFEBOAT_", "LANG"))}
    told = subprocess.run(
        [sys.executable, "-m", "bot.cli", "serve"], env=clean | environment | {"LC_ALL": "C"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    for words in says:
        assert words in told.stderr
