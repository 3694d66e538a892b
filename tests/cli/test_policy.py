import json
from pathlib import Path

from tests.cli.conftest import Command

ACCOUNT = "111122223333"


def test_the_policies_are_printed_by_part(lifeboat: Command) -> None:
    said = lifeboat("iam-policy", "--account", ACCOUNT)
    assert said.status == 0
    assert "# read-1.json" in said.out
    assert "# tier-1-2.json" in said.out
    assert "# deny.json" in said.out
    one = lifeboat("iam-policy", "--account", ACCOUNT, "--tier", "1", "--region", "eu-west-1", "--json").json
    assert list(one) == ["tier-1-2"]
    assert f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/*" in json.dumps(one)
    assert "us-east-1" not in json.dumps(one)


def test_the_account_of_the_configuration_and_a_tag_are_used(lifeboat: Command, place: Path) -> None:
    (place / "lifeboat.yaml").write_text(f'account: "{ACCOUNT}"')
    said = lifeboat("iam-policy", "--tier", "2", "--tag", "dr-managed=true", "--json")
    assert "aws:ResourceTag/dr-managed" in said.out
    assert said.err == ""


def test_the_policies_are_written_into_a_folder(lifeboat: Command, place: Path) -> None:
    said = lifeboat("iam-policy", "--account", ACCOUNT, "--output", "iam")
    assert said.status == 0
    written = json.loads((place / "iam" / "read-1.json").read_text())
    assert written["Version"] == "2012-10-17"


def test_a_policy_of_ones_own_playbook_counts_too_and_a_broken_one_is_told(lifeboat: Command, place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "bad.yaml").write_text("name: bad\ntier: one\n")
    (place / "lifeboat.yaml").write_text(f'account: "{ACCOUNT}"\nplaybook_folders: [mine]')
    said = lifeboat("iam-policy", "--tier", "read", "--json")
    assert said.json["read"]
    assert "lifeboat playbook lint" in said.err


def test_a_wrong_account_or_tag_is_wrong_usage(lifeboat: Command, place: Path) -> None:
    (place / "lifeboat.yaml").write_text("language: en")
    assert lifeboat("iam-policy").status == 2
    assert lifeboat("iam-policy", "--account", "11112222333").status == 2
    assert lifeboat("iam-policy", "--account", ACCOUNT, "--tag", "dr-managed").status == 2
    assert lifeboat("iam-policy", "--account", ACCOUNT, "--tier", "4").status == 2
