import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.rehearsal.shop import Shop
from tests.cli.conftest import Command

HEAVY = ("boto3", "botocore", "sqlalchemy", "slack_bolt", "slack_sdk", "aiohttp", "rich", "moto", "jinja2", "babel")


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
sys.argv = ["lifeboat", "--help"]
from bot.cli import main
try:
    main()
except SystemExit:
    pass
print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "incident" in done.stdout
    assert done.stderr.split() == []


def test_a_right_configuration_is_counted(lifeboat: Command) -> None:
    said = lifeboat("check")
    assert said.status == 0
    assert "1 services, 4 people" in said.out


def test_a_broken_configuration_is_told_by_every_command(lifeboat: Command, place: Path) -> None:
    (place / "lifeboat.yaml").write_text("services: {orders: {policy: defualt}}")
    for words in (("check",), ("oncall",), ("incident", "list"), ("playbook", "list"), ("serve",)):
        said = lifeboat(*words)
        assert said.status == 1
        assert "lifeboat.yaml:1:29: services.orders.policy: defualt names nothing." in said.err or words == ("serve",)


def test_who_is_on_call_then(lifeboat: Command) -> None:
    said = lifeboat("oncall", "--at", "2027-02-07T12:00+09:00", "--json")
    assert said.json["primary"] == ["sofia"]
    assert "primary: Sofia Rossi" in lifeboat("oncall", "--at", "2027-02-07T12:00+09:00").out
    assert lifeboat("oncall").status == 0
    bad = lifeboat("oncall", "--at", "yesterday")
    assert (bad.status, "yesterday" in bad.err) == (2, True)


def test_a_time_without_a_zone_is_the_readers(lifeboat: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    assert lifeboat("oncall", "--at", "2027-02-06T09:00", "--json").json["primary"] == ["sofia"]
    assert lifeboat("oncall", "--at", "2027-02-06T08:59", "--json").json["primary"] != ["sofia"]


@pytest.mark.parametrize("of", ["config", "playbook", "people", "schedules", "policies"])
def test_every_file_has_a_schema(lifeboat: Command, of: str) -> None:
    assert "$schema" in lifeboat("schema", of).json


def test_a_schema_that_there_is_not_is_a_usage_error(lifeboat: Command) -> None:
    assert lifeboat("schema", "nothing").status == 2


def test_the_database_is_made_and_then_up_to_date(lifeboat: Command) -> None:
    assert "upgraded from - to" in lifeboat("db", "upgrade").out
    assert "up to date" in lifeboat("db", "upgrade").out


def test_a_database_that_cannot_be_reached_is_one_message(lifeboat: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFEBOAT_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/none")
    for words in (("db", "upgrade"), ("incident", "list")):
        said = lifeboat(*words)
        assert said.status == 1
        assert "The database does not answer" in said.err
        assert "hunter2" not in said.err + said.out


def test_serve_without_a_token_says_what_is_missing_and_where_to_get_it(lifeboat: Command) -> None:
    said = lifeboat("serve")
    assert said.status == 1
    for word in ("SLACK_BOT_TOKEN", "OAuth & Permissions", "lifeboat manifest"):
        assert word in said.err


def test_the_manifest_is_json(lifeboat: Command) -> None:
    made = lifeboat("manifest", "--url", "https://dr.example.com/").json
    assert "https://dr.example.com/slack/events" in str(made)
    assert lifeboat("manifest").json["settings"]["socket_mode_enabled"] is True


def test_an_alarm_sent_by_hand_without_a_serve_pages_before_the_command_ends(
    lifeboat: Command, with_shop: Shop, tmp_path: Path
) -> None:
    """Slack is not connected here, so the text message is what proves it."""
    before = len(with_shop.aws.sms)
    event = tmp_path / "alarm.json"
    event.write_text(json.dumps({"source": "shop", "detail-type": "Something broke", "detail": {"shelf": 3}}))
    said = lifeboat("alarm", "send", str(event))
    assert said.status == 0
    assert "taken in" in said.out
    assert "in the queue" not in said.out
    assert len(with_shop.aws.sms) == before + 1


def test_check_tells_before_the_night_of_a_playbook_that_nobody_could_approve(lifeboat: Command, place: Path) -> None:
    (place / "mine").mkdir()
    talk = "name: talk\ntitle: {en: Talk, ko: 대화}\ntier: 1\ntargets: {rto: 30m, rpo: 5m}\n"
    steps = "steps: [{id: tell, manual: {en: Tell them., ko: 알리세요.}}]\n"
    (place / "mine" / "talk.yaml").write_text(f"{talk}approval: {{people: 1, role: comander}}\n{steps}")
    (place / "lifeboat.yaml").write_text("playbook_folders: [mine]\nroles: {commander: [mina]}\n")
    said = lifeboat("check")
    assert said.status == 1
    assert "talk.yaml:5:29: approval.role: lifeboat.yaml has no role comander, so nobody can approve this." in said.err
    (place / "lifeboat.yaml").write_text("playbook_folders: [mine]\nroles: {comander: [mina]}\n")
    assert lifeboat("check").status == 0
