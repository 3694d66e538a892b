import json
from pathlib import Path

import pytest

from bot.rehearsal.shop import Shop
from tests.cli.conftest import Command, Said


@pytest.fixture
def incident(lifeboat: Command, with_shop: Shop) -> str:
    said = lifeboat("incident", "declare", "Trouble", "--service", "orders", "--no-wait", "--json")
    return str(said.json["id"])


def _run_id(plan: str) -> str:
    return plan.split()[1].rstrip(":")


def _approve(lifeboat: Command, run: str) -> Said:
    """Approve the plan as it is, as a script does that has read it."""
    known = lifeboat("playbook", "show-run", run, "--json").json["plan_hash"]
    return lifeboat("playbook", "approve", run, "--plan", known)


def test_playbooks_are_listed_shown_and_linted(lifeboat: Command) -> None:
    assert {one["name"] for one in lifeboat("playbook", "list", "--json").json} >= {"restore-table", "restart-service"}
    assert "restore-table\t1\t" in lifeboat("playbook", "list").out
    shown = lifeboat("playbook", "show", "restore-table").out
    assert "RTO 30 min, RPO 5 min" in shown
    assert "│ compare " in shown
    assert lifeboat("playbook", "lint").status == 0
    assert lifeboat("playbook", "show", "restore-tabel").status == 1


def test_a_broken_playbook_is_told_with_its_place_and_the_others_stay_usable(lifeboat: Command, place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "bad.yaml").write_text("name: bad\ntier: one\n")
    (place / "lifeboat.yaml").write_text("playbook_folders: [mine]")
    for words in (("playbook", "lint"), ("playbook", "lint", "mine"), ("check",)):
        said = lifeboat(*words)
        assert said.status == 1
        assert "bad.yaml:2:7: tier:" in said.err
    assert "restore-table" in lifeboat("playbook", "list").out
    said = lifeboat("incident", "list", "--json")
    assert said.json == []  # what is logged of the broken file goes to standard error
    assert "bad.yaml" in said.err


LOOK = """\
name: look-twice
title: {en: Look twice, ko: 두 번 보기}
tier: 1
targets: {rto: 30m, rpo: 5m}
steps:
  - {id: ready, check: ecs.can_restart, with: {cluster: shop, service: web}}
  - {id: agree, ask: {en: Go on?, ko: 계속할까요?}}
  - {id: tell, manual: {en: "Tell the owners of {{ service.name }}.", ko: 알리세요.}}
"""


def test_a_run_is_planned_approved_answered_and_ended_from_the_terminal(
    lifeboat: Command, with_shop: Shop, place: Path
) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "look-twice.yaml").write_text(LOOK)
    (place / "lifeboat.yaml").write_text(json.dumps({**with_shop.config(), "playbook_folders": ["mine"]}))
    incident = lifeboat("incident", "declare", "Web is sick", "--service", "web", "--no-wait", "--json").json["id"]
    planned = lifeboat("playbook", "plan", "look-twice", "-i", incident)
    run = _run_id(planned.out)
    assert (planned.status, f"lifeboat playbook approve {run}" in planned.out) == (0, True)
    assert "By hand: Tell the owners of web." in planned.out
    assert "agree          waiting for a person\n" in _approve(lifeboat, run).out
    assert lifeboat("incident", "resolve", incident).status == 1
    asked = lifeboat("playbook", "answer", run, "agree", "yes").out
    assert "tell           waiting for a person\n" in asked
    assert f"Tell the owners of web.\n                 → lifeboat playbook answer {run} tell done" in asked
    assert lifeboat("playbook", "skip", run, "tell", "--reason", " ").status == 1
    ended = lifeboat("playbook", "answer", run, "tell", "done")
    assert ended.out.startswith(f"look-twice {run}: done")
    again = _approve(lifeboat, run)
    assert (again.status, f"Run {run} is " in again.err) == (1, True)
    shown = lifeboat("playbook", "show-run", run, "--json").json
    assert (shown["status"], shown["steps"][0]["state"]) == ("succeeded", "done")
    assert f"look-twice {run}: done" in lifeboat("incident", "show", incident).out
    assert lifeboat("incident", "resolve", incident).status == 0


def test_what_a_killed_command_left_is_gone_on_with_by_another(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--input", "cluster=shop", "--input", "ecs_service=web")
    run = _run_id(lifeboat("playbook", "plan", "restart-service", "-i", incident, *words).out)

    async def killed(*_: object) -> bool:
        return False

    with monkeypatch.context() as dying:
        dying.setattr("bot.cli.desk.see_through", killed)
        _approve(lifeboat, run)
    assert lifeboat("playbook", "show-run", run, "--json").json["status"] == "running"
    assert lifeboat("playbook", "show-run", run, "--follow").out.startswith(f"restart-service {run}: done")


def test_a_run_asks_before_it_changes_anything(
    lifeboat: Command, with_shop: Shop, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.confirm", lambda *_: False)  # nobody sits at this terminal
    said = lifeboat("playbook", "run", "restart-service", "-i", incident, "--input", "cluster=shop",
                    "--input", "ecs_service=web")  # fmt: skip
    assert said.status == 1
    assert lifeboat("playbook", "show-run", _run_id(said.out), "--json").json["status"] == "planned"


def test_a_plan_that_cannot_be_run_says_why_and_is_no_success(lifeboat: Command, incident: str) -> None:
    said = lifeboat("playbook", "plan", "restore-table", "-i", incident, "--input", "table=no-such-table")
    assert said.status == 1
    assert "refused" in said.out
    assert "The playbook cannot run" in said.out


def test_a_plan_as_json_holds_the_exact_calls(lifeboat: Command, incident: str) -> None:
    said = lifeboat("playbook", "plan", "restore-table", "-i", incident, "--input", "table=orders",
                    "--input", "at=5m ago", "--json")  # fmt: skip
    assert said.status == 0
    assert said.json["status"] == "planned"
    assert "RestoreTableToPointInTime" in json.dumps(said.json["plan"])
    run = said.json["id"]
    aborted = lifeboat("playbook", "abort", run)
    assert (aborted.status, "aborted" in aborted.out) == (0, True)
    assert lifeboat("playbook", "abort", run).status == 1


def test_bad_inputs_and_buttons_are_told(lifeboat: Command, incident: str) -> None:
    plan = ("playbook", "plan", "restore-table", "-i", incident)
    assert lifeboat(*plan, "--input", "table").status == 2
    said = lifeboat(*plan, "--input", "tabel=orders")
    assert said.status == 1
    assert "tabel" in said.err
    assert lifeboat("playbook", "plan", "no-such", "-i", incident).status == 1
    for words in (
        ("retry", "none", "left"),
        ("skip", "none", "left", "--reason", "x"),
        ("answer", "none", "left", "yes"),
    ):
        said = lifeboat("playbook", *words)
        assert (said.status, "There is no run named none" in said.err) == (1, True)
    assert lifeboat("playbook", "answer", "none", "left", "perhaps").status == 2
    assert lifeboat("playbook", "skip", "none", "left").status == 2


def test_a_run_at_a_korean_terminal_reads_korean_and_its_columns_stay_aligned(
    lifeboat: Command, with_shop: Shop, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "look-twice.yaml").write_text(LOOK)
    (place / "lifeboat.yaml").write_text(json.dumps({**with_shop.config(), "playbook_folders": ["mine"]}))
    incident = lifeboat("incident", "declare", "Web is sick", "--service", "web", "--no-wait", "--json").json["id"]
    run = lifeboat("playbook", "plan", "look-twice", "-i", incident, "--json").json["id"]
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    first, _approved, *steps = _approve(lifeboat, run).out.splitlines()
    assert first == f"look-twice {run}: 실행 중"
    assert steps[0].startswith(f"  ready          완료{' ' * 17}")
    assert steps[1].startswith("  agree          사람의 응답 대기")
    assert steps[-1].startswith("  tell           대기")
