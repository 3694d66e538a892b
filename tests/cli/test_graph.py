from pathlib import Path

import pytest

from bot.rehearsal.shop import Shop
from tests.cli.conftest import Command


def test_a_playbook_is_shown_as_a_graph_with_its_inputs(lifeboat: Command) -> None:
    shown = lifeboat("playbook", "show", "restore-table")
    assert shown.status == 0
    assert "RTO 30 min, RPO 5 min" in shown.out
    assert "  table: dynamodb.table" in shown.out
    assert "│ restore " in shown.out
    assert "  restore   Restore into a new table" in shown.out


def test_it_is_written_as_a_picture_in_the_readers_language(
    lifeboat: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert "새 테이블로 복원" in lifeboat("playbook", "show", "restore-table", "--format", "svg").out
    assert lifeboat("playbook", "show", "restore-table", "--format", "svg", "--output", "a.svg").status == 0
    assert (place / "a.svg").read_text().startswith("<svg")
    assert lifeboat("playbook", "show", "restore-table", "--format", "png", "--output", "a.png").status == 0
    assert (place / "a.png").read_bytes().startswith(b"\x89PNG")
    assert lifeboat("playbook", "show", "restore-table", "--output", "a.txt").status == 0
    assert "┌" in (place / "a.txt").read_text()


def test_a_png_is_not_poured_into_the_terminal(lifeboat: Command) -> None:
    assert lifeboat("playbook", "show", "restore-table", "--format", "png").status == 2


def test_what_does_not_exist_is_said(lifeboat: Command) -> None:
    assert "restore-table" in lifeboat("playbook", "show", "restore-tabel").err
    assert lifeboat("playbook", "show", "restore-table", "--run", "none").status == 1


def test_a_run_is_shown_with_its_states(lifeboat: Command, with_shop: Shop) -> None:
    declared = lifeboat("incident", "declare", "Trouble", "--service", "orders", "--no-wait", "--json").json
    words = ("--incident", declared["id"], "--input", "table=orders")
    run = lifeboat("playbook", "plan", "restore-table", *words).out.split()[1].rstrip(":")
    shown = lifeboat("playbook", "show", "restore-table", "--run", run)
    assert shown.status == 0
    assert "· waiting" in shown.out
    assert lifeboat("playbook", "show", "restart-service", "--run", run).status == 1
