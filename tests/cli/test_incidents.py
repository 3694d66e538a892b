import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.rehearsal.shop import Shop
from tests.cli.conftest import Command

PAYLOADS = sorted((Path(__file__).parent.parent / "intake" / "payloads").glob("*.json"))


def _declare(lifeboat: Command, *more: str) -> str:
    said = lifeboat("incident", "declare", "Checkout is down", "--no-wait", "--json", *more)
    assert said.status == 0
    return str(said.json["id"])


def test_an_incident_is_declared_shown_acknowledged_escalated_and_resolved(lifeboat: Command) -> None:
    incident = _declare(lifeboat, "--service", "orders", "--tier", "2")
    assert lifeboat("incident", "list").out.startswith(f"{incident}\topen\t2\torders\t")
    assert "You have acknowledged it" in lifeboat("incident", "ack", incident).out
    assert "has acknowledged it already" in lifeboat("incident", "ack", incident).out
    assert "Paging" in lifeboat("incident", "escalate", incident).out
    assert "Resolved after" in lifeboat("incident", "resolve", incident, "a bad release").out
    shown = lifeboat("incident", "show", incident)
    assert "declared the incident" in shown.out
    assert "No open incidents" in lifeboat("incident", "list").out
    [one] = lifeboat("incident", "list", "--all", "--json").json
    assert (one["id"], one["status"], one["resolution"]) == (incident, "resolved", "a bad release")
    assert {entry["kind"] for entry in lifeboat("incident", "show", incident, "--json").json["timeline"]} > {"resolved"}


def test_a_declaration_pages_by_itself_when_no_lifeboat_runs(lifeboat: Command, with_shop: Shop) -> None:
    before = len(with_shop.aws.sms)
    said = lifeboat("incident", "declare", "Checkout is down", "--json")
    assert said.status == 0
    [page] = lifeboat("incident", "show", said.json["id"], "--json").json["pages"]
    assert page["status"] == "sent"
    assert len(with_shop.aws.sms) == before + 1


_SERVE = """
import asyncio
from bot.app import hire
from bot.core import open_core
from bot.settings import Settings

async def main():
    core = await open_core(Settings(), worker=True)
    worker = await hire(core)
    print("works", flush=True)
    await worker.run()

asyncio.run(main())
"""


def test_commands_answer_while_another_process_holds_the_database_and_let_it_do_the_work(
    lifeboat: Command, with_shop: Shop, place: Path
) -> None:
    serve = subprocess.Popen([sys.executable, "-c", _SERVE], stdout=subprocess.PIPE, text=True, cwd=place)
    try:
        assert serve.stdout
        assert serve.stdout.readline() == "works\n"
        said = lifeboat("incident", "declare", "Checkout is down", "--json")
        [page] = lifeboat("incident", "show", said.json["id"], "--json").json["pages"]
        assert page["status"] == "sent"
    finally:
        serve.kill()
        serve.communicate()


@pytest.mark.parametrize("file", PAYLOADS, ids=[file.stem for file in PAYLOADS])
def test_every_message_that_aws_sends_can_be_sent_by_hand(lifeboat: Command, with_shop: Shop, file: Path) -> None:
    said = lifeboat("alarm", "send", str(file))
    assert (said.status, said.err) == (0, "")
    assert "taken in" in said.out
    silent = file.stem in {"eb_backup_restore_completed", "sns_subscription_confirmation"}
    assert silent or lifeboat("incident", "list", "--json").json


def test_a_file_with_odd_bytes_is_told_or_taken_and_never_a_traceback(
    lifeboat: Command, with_shop: Shop, place: Path
) -> None:
    (place / "nul.json").write_bytes(b'{"title": "a\x00b"}')
    assert lifeboat("alarm", "send", "nul.json").status == 0
    (place / "latin.json").write_bytes(b"\xff\xfe")
    said = lifeboat("alarm", "send", "latin.json")
    assert said.status == 1
    assert said.err.startswith("latin.json:1:1")
    assert lifeboat("alarm", "send", "missing.json").status == 1


def test_a_title_that_is_not_utf_8_is_taken_all_the_same(lifeboat: Command) -> None:
    assert lifeboat("incident", "declare", "down \udcff", "--no-wait").status == 0
    assert "down \N{REPLACEMENT CHARACTER}" in lifeboat("incident", "list").out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("incident", "ack", "nope"), 1, "There is no incident named nope"),
        (("incident", "declare", " ", "--no-wait"), 1, "what is wrong"),
        (("incident", "declare", "x", "--service", "odrers"), 1, "There is no service named odrers. Known: orders"),
        (("incident", "declare", "x", "--tier", "4"), 2, "--tier"),
        (("incident", "declare"), 2, "title"),
        (("incident", "explode"), 2, "explode"),
        (("alarm",), 2, ""),
    ],
)
def test_a_mistake_is_one_clear_message_and_its_exit_status(
    lifeboat: Command, words: tuple[str, ...], status: int, said: str
) -> None:
    answer = lifeboat(*words)
    assert answer.status == status
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_the_answer_is_korean_for_a_korean_terminal(lifeboat: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Seoul")
    incident = _declare(lifeboat)
    said = lifeboat("incident", "show", incident)
    assert "선언" in said.out
    assert "KST" in said.out
    assert "인시던트" in lifeboat("incident", "ack", "nope").err
    assert lifeboat("incident", "list").out.startswith(f"{incident}\t열림\t")
    assert said.out.startswith(f"{incident}  열림  ")
    assert ": 호출 중 (" in said.out
    for shown in (
        lifeboat("incident", "list", "--json").json[0],
        lifeboat("incident", "show", incident, "--json").json,
    ):
        assert shown["status"] == "open"  # programs read the word that never changes


def test_a_terminal_with_a_broken_zone_still_shows_times(lifeboat: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":/etc/localtime")
    assert "UTC" in lifeboat("incident", "show", _declare(lifeboat)).out


def test_a_timeline_of_several_days_is_not_shown_without_its_dates(lifeboat: Command) -> None:
    shown = lifeboat("incident", "show", _declare(lifeboat)).out
    assert re.search(r"^Since \d{4}-\d\d-\d\d \d\d:\d\d", shown, re.MULTILINE)
    assert re.search(r"^\d{4}-\d\d-\d\d\n\d\d:\d\d:\d\d ", shown, re.MULTILINE)
