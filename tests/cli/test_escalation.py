"""`lifeboat escalation prove` says nothing is wrong only when nothing is, and else where and why."""

import shutil
from pathlib import Path

from escalation.loading import EXAMPLE
from tests.cli.conftest import Command


def team(place: Path, old: str = "", new: str = "", file: str = "people.yaml") -> None:
    """The example's people, with one text replaced."""
    folder = place / "escalation"
    folder.mkdir()
    for name in ("people.yaml", "schedules.yaml", "policies.yaml"):
        shutil.copy(EXAMPLE / name, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    (place / "lifeboat.yaml").write_text("escalation_folder: ./escalation\n")


def test_a_team_with_two_addresses_each_is_proven(lifeboat: Command, place: Path) -> None:
    said = lifeboat("escalation", "prove")
    assert said.status == 0
    assert said.out.startswith("Proven: for 90 days")


def test_everybody_with_one_address_is_no_proof(lifeboat: Command, place: Path) -> None:
    team(place)
    people = place / "escalation" / "people.yaml"
    people.write_text("\n".join(line for line in people.read_text().splitlines() if "- sms:" not in line))
    said = lifeboat("escalation", "prove", "--days", "3")
    assert said.status == 1
    assert "default: from " in said.out
    assert "has one address only." in said.out


def test_programs_read_each_stretch_with_its_reasons(lifeboat: Command, place: Path) -> None:
    team(place, "start: 2026-01-05", "start: 2096-01-02", "schedules.yaml")
    (place / "escalation" / "policies.yaml").write_text(
        "default:\n  levels:\n    - {page: [{schedule: primary}], wait: 5m}\n"
    )
    said = lifeboat("escalation", "prove", "--days", "2", "--json")
    assert said.status == 1
    [whole] = said.json
    assert whole["policy"] == "default"
    assert whole["why"] == ["Level 1: nobody is on call in primary."]
