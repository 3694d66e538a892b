import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Command


def note(place: Path, key: str, value: str) -> None:
    with closing(sqlite3.connect(place / "lifeboat.db")) as database, database:
        row = (key, value, "2026-01-01 00:00:00.000000")
        database.execute("INSERT INTO known (key, value, seen_at) VALUES (?, ?, ?)", row)


def test_nothing_known_says_how_to_begin(lifeboat: Command) -> None:
    assert "standby_region" in lifeboat("survey").out


def test_what_is_known_is_shown_with_its_age(lifeboat: Command, place: Path) -> None:
    lifeboat("survey")
    note(place, "ecs:us-east-1:shop/web", '{"running": 6, "minimum": null, "hours": {"2026-01-01T00": 9}}')
    note(place, "routing:arn", '[{"region": "eu-west-1", "url": "https://one"}]')
    first, second = lifeboat("survey").out.splitlines()
    key, age, value = first.split("\t")
    assert (key, value) == ("ecs:us-east-1:shop/web", "running=6 most=9")
    assert age.endswith("ago")
    assert second.split("\t")[2] == "eu-west-1"
    known = lifeboat("survey", "--json").json
    assert known["routing:arn"]["value"][0]["url"] == "https://one"


def test_asking_again_with_no_standby_region_asks_nothing(lifeboat: Command) -> None:
    assert lifeboat("survey", "--now").status == 0
