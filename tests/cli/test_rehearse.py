"""`lifeboat rehearse`: what can be broken, what cannot be meant, and one rehearsal from the fault to the verdict."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.rehearse import _print, _read_account
from bot.config import Config
from bot.errors import ActionFailed
from bot.incident.run import Run
from bot.language import Words
from bot.playbook.model import Targets
from bot.rehearsal.breakages import KINDS
from bot.rehearsal.drill import Verdict
from bot.rehearsal.night_report import Report
from bot.rehearsal.shop import Shop
from bot.rehearsal.storefront import Written
from bot.rehearsal.stories import STORIES
from tests.cli.conftest import Command


def test_it_lists_what_can_be_broken(lifeboat: Command) -> None:
    said = lifeboat("rehearse", "--list")
    assert said.status == 0
    assert [line.split("\t")[0] for line in said.out.splitlines()] == [kind.written for kind in KINDS.values()]


def test_it_lists_what_can_be_broken_for_programs(lifeboat: Command) -> None:
    listed = lifeboat("rehearse", "--list", "--json").json
    assert {one["kind"] for one in listed} == KINDS.keys()
    assert next(one for one in listed if one["kind"] == "zone")["alarm"] == "zone-impaired"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "PLAYBOOK"),
        (["evacuate-zone", "--input", "zone"], "--input name=value"),
        (["evacuate-zone", "--answer", "maybe"], "maybe"),
        (["evacuate-zone", "--people", "0"], "greater than or equal to 1"),
        (["evacuate-zone", "--people", "11"], "less than or equal to 10"),
    ],
)
def test_wrong_usage_is_told_and_starts_nothing(lifeboat: Command, words: list[str], said: str) -> None:
    answer = lifeboat("rehearse", *words)
    assert answer.status == 2
    assert said in answer.err


def test_what_cannot_be_broken_is_told_before_anything_is_laid_down(lifeboat: Command) -> None:
    said = lifeboat("rehearse", "restart-service", "--break", "zoen:use1-az1")
    assert said.status == 1
    assert "Did you mean zone?" in said.err


def test_a_playbook_that_there_is_not_is_told_before_anything_is_laid_down(lifeboat: Command) -> None:
    said = lifeboat("rehearse", "evacuate-zoen")
    assert said.status == 1
    assert "There is no playbook named evacuate-zoen. Known:" in said.err


def test_a_playbook_of_ones_own_can_be_rehearsed_and_the_readers_aws_is_never_asked(
    lifeboat: Command, place: Path
) -> None:
    """Nothing listens where `place` says that AWS is."""
    own = {
        "name": "look", "title": {"en": "Look", "ko": "보기"}, "tier": 1, "targets": {"rto": "5m", "rpo": "0s"},
        "steps": [{"id": "look", "check": "ecs.service_steady", "with": {"cluster": "shop", "service": "web"}}],
    }  # fmt: skip
    (place / "own").mkdir()
    (place / "own" / "look.yaml").write_text(json.dumps(own))
    (place / "lifeboat.yaml").write_text(json.dumps({"playbook_folders": ["own"]}))
    said = lifeboat("rehearse", "look", "--break", "table:orders", "--json")
    assert said.status == 1
    assert said.json["status"] == "succeeded"
    assert not said.json["passed"]
    assert said.json["problems"] == ["The shop does not answer every request again."]
    assert said.json["faults"][0]["what"] == "A bad release corrupts 20 items of orders."
    assert {file.name for file in place.iterdir()} == {"own", "lifeboat.yaml"}


def verdict(rto: timedelta | None, rpo: timedelta = timedelta(), status: str = "succeeded") -> Verdict:
    """One whose playbook promises five minutes, and to lose nothing."""
    at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    run = Run(
        id="r", incident="i", name="look", playbook={}, inputs={}, context={}, requested_by="cli:mina", requested_at=at,
        status=status,  # type: ignore[arg-type]  # one of them
    )  # fmt: skip
    lost = [Written(at, "order-1", 1, "us-east-1", "orders")] if rpo else []
    report = Report(
        faults=[(at, "It broke.")], rto=rto, rpo=rpo, lost=lost, conflicts=[], acknowledged=40, availability=0.7512,
        timeline=[], calls={},
    )  # fmt: skip
    return Verdict(run, report, Targets(rto=timedelta(minutes=5), rpo=timedelta()))


def test_what_it_took_is_told_beside_what_is_promised(capsys: pytest.CaptureFixture[str]) -> None:
    _print(verdict(timedelta(minutes=5)), Words())
    assert capsys.readouterr().out.splitlines()[1:] == [
        "RTO          5 min (promised: 5 min)",
        "RPO          0 s (promised: 0 s)",
        "Served       75.1 % of the requests since the fault",
        "Lost         0 of 40 confirmed writes",
        "Passed.",
    ]


def test_a_loss_that_was_too_long_to_be_measured_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    judged = verdict(timedelta(), timedelta(minutes=1))
    _print(replace(judged, report=replace(judged.report, rpo_open=True)), Words())
    assert capsys.readouterr().out.splitlines()[2].startswith("RPO          1 min or more: ")


@pytest.mark.parametrize(
    ("judged", "why"),
    [
        (verdict(timedelta(minutes=5, seconds=1)), "It took 5 min 01 s, and 5 min is promised."),
        (verdict(None), "The shop does not answer every request again."),
        (
            verdict(timedelta(), timedelta(seconds=1)),
            "Writes of up to 1 s before the fault are lost, and 0 s is promised.",
        ),
        (verdict(timedelta(), status="needs_person"), "The playbook did not succeed: see the timeline"),
    ],
)
def test_a_rehearsal_that_fails_says_why(judged: Verdict, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not judged.passed
    _print(judged, Words())
    assert capsys.readouterr().out.splitlines()[-1] == f"Not passed:  {why}"


def test_every_story_is_json_and_breaks_what_there_is() -> None:
    for name, story in STORIES.items():
        assert json.loads(json.dumps(dict(story.inputs))) == story.inputs
        assert {text.partition(":")[0] for text in story.breaks} <= KINDS.keys(), name


def test_the_account_is_read_in_the_regions_of_the_services(with_shop: Shop) -> None:
    services = {"shop": {"region": "us-east-1", "parameters": {"standby_region": "eu-west-1"}}, "other": {}}
    config = Config.model_validate({"region": "us-west-2", "services": services})
    shape = _read_account(config)
    assert [region.name for region in shape.regions] == ["us-east-1", "eu-west-1", "us-west-2"]
    assert [cluster.name for cluster in shape.regions[0].clusters] == ["shop"]
    assert [table.name for table in shape.regions[0].tables] == ["orders"]
    assert shape.unread == ()


def test_without_credentials_there_is_no_account_to_be_like(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    with pytest.raises(ActionFailed, match="Unable to locate credentials"):
        _read_account(Config.model_validate({"region": "us-west-2"}))
