"""Taking a run back from the terminal, in an emulated AWS: the pointer says again what it said, the copy is gone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.rehearsal.shop import Shop
from tests.cli.conftest import Command


@pytest.fixture
def restored(lifeboat: Command, with_shop: Shop) -> str:
    """A run of restore-table that has cut the service over."""
    incident = lifeboat("incident", "declare", "Bad data", "--service", "orders", "--no-wait", "--json").json["id"]
    at = datetime.now(UTC) - timedelta(seconds=1)
    words = ("--input", "table=orders", "--input", f"at={at.isoformat()}")
    planned = lifeboat("playbook", "plan", "restore-table", "-i", incident, *words, "--json")
    assert planned.status == 0, planned.out
    run = planned.json["id"]
    lifeboat("playbook", "approve", run, "--plan", planned.json["plan_hash"])
    assert lifeboat("playbook", "answer", run, "cut-over", "yes").status == 0
    assert _status(lifeboat, run) == "succeeded"
    return str(run)


def _status(lifeboat: Command, run: str) -> str:
    return str(lifeboat("playbook", "show-run", run, "--json").json["status"])


def _pointer(shop: Shop) -> str:
    return str(shop.client("ssm").get_parameter(Name="/orders/table")["Parameter"]["Value"])


def _copies(shop: Shop) -> list[str]:
    return [name for name in shop.client("dynamodb").list_tables()["TableNames"] if name.startswith("orders-lb")]


def test_a_restore_is_taken_back_step_by_step_and_never_by_a_stranger(
    lifeboat: Command, with_shop: Shop, restored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _pointer(with_shop).startswith("orders-lb")
    stranger = lifeboat("playbook", "undo", restored, "--yes", "--as", "nobody")
    assert (stranger.status, "nobody" in stranger.err) == (1, True)
    with monkeypatch.context() as undecided:
        undecided.setattr("typer.confirm", lambda *_: False)
        said = lifeboat("playbook", "undo", restored)
    assert said.status == 1
    assert said.out.index("1. cut-over") < said.out.index("2. restore")
    assert "settings" in said.out  # what stays is said, with its reason
    assert _pointer(with_shop).startswith("orders-lb")

    assert lifeboat("playbook", "undo", restored, "--step", "cut-over", "--only", "--yes").status == 0
    assert (_pointer(with_shop), len(_copies(with_shop))) == ("orders", 1)
    taken = lifeboat("playbook", "undo", restored, "--yes")
    assert (taken.status, _status(lifeboat, restored)) == (0, "undone"), taken.out
    assert _copies(with_shop) == []
    for words in (("--yes",), ()):  # nobody is asked about nothing
        again = lifeboat("playbook", "undo", restored, *words)
        assert (again.status, "nothing to take back" in again.err) == (1, True)


def test_an_undo_that_is_skipped_goes_on_with_the_next_one(lifeboat: Command, with_shop: Shop, restored: str) -> None:
    ssm = with_shop.client("ssm")
    ssm.delete_parameter(Name="/orders/table")
    failed = lifeboat("playbook", "undo", restored, "--yes")
    ssm.put_parameter(Name="/orders/table", Value="orders", Type="String")
    assert (failed.status, f"skip {restored} undo:cut-over" in failed.out) == (1, True)
    ended = lifeboat("playbook", "skip", restored, "undo:cut-over", "--reason", "done by hand")
    assert f"restore-table {restored}: failed" in ended.out
    assert _copies(with_shop) == []


def test_only_needs_a_step(lifeboat: Command, place: Path) -> None:
    assert lifeboat("playbook", "undo", "r1", "--only").status == 2
    assert not list(place.glob("*.db"))
