from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from bot import config
from bot.errors import BadFile, BadFiles
from escalation.loading import load as load_people


def _told(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "lifeboat.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises((BadFile, BadFiles)) as caught:
        config.check_names(file, config.load(file), load_people())
    error = caught.value
    problems = error.problems if isinstance(error, BadFiles) else (error,)
    return [str(problem).removeprefix(str(tmp_path) + "/") for problem in problems]


def test_the_example_is_right_and_names_only_what_exists() -> None:
    example = config.load(config.EXAMPLE)
    config.check_names(config.EXAMPLE, example, load_people())
    assert "orders" in example.services
    assert example.playbook_folders == (config.PLAYBOOKS,)


def test_an_empty_file_is_nothing_but_defaults(tmp_path: Path) -> None:
    (tmp_path / "lifeboat.yaml").write_text("")
    empty = config.load(tmp_path / "lifeboat.yaml")
    assert (empty.language, empty.targets.rto, empty.targets.rpo) == ("en", timedelta(minutes=30), timedelta(minutes=5))
    assert empty.service(None).policy == empty.default_policy


def test_the_file_in_the_current_folder_is_found_before_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.find(None) == config.EXAMPLE
    Path("lifeboat.yaml").write_text("language: ko")
    assert config.load(config.find(None)).language == "ko"
    assert config.find(Path("other.yaml")) == Path("other.yaml")


def test_folders_are_meant_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lifeboat.yaml"
    file.write_text("escalation_folder: ./people\nplaybook_folders: [mine]")
    loaded = config.load(file)
    assert loaded.escalation_folder == tmp_path / "people"
    assert loaded.playbook_folders == (config.PLAYBOOKS, tmp_path / "mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("languag: ko", "lifeboat.yaml:1:1: languag: unknown field. Remove it, or correct its spelling."),
        ("language: fr", "lifeboat.yaml:1:11: language: 'fr' is not a choice here. Choose: en, ko."),
        ("zone: Mars/Base", "lifeboat.yaml:1:7: zone: there is no time zone Mars/Base. Use an IANA name"),
        ("targets:\n  rto: soon", "lifeboat.yaml:2:8: targets.rto:"),
        ("targets: {availability: 101}", "lifeboat.yaml:1:25: targets.availability: 101 is too big: 100"),
        ("account: 111122223333", "lifeboat.yaml:1:10: account: must be text. Put it in quotes."),
        ("account: '123'", "lifeboat.yaml:1:10: account: '123' does not have the right form."),
        (
            "sources: {queues: [orders]}",
            "lifeboat.yaml:1:20: sources.queues[0]: 'orders' does not have the right form.",
        ),
        (
            "sources: {topics: [alarms]}",
            "lifeboat.yaml:1:20: sources.topics[0]: 'alarms' does not have the right form.",
        ),
        ("services:\n  orders:\n    tier: 4", "lifeboat.yaml:3:11: services.orders.tier:"),
        (
            "services:\n  orders:\n    policy: defualt",
            "lifeboat.yaml:3:13: services.orders.policy: defualt names nothing.",
        ),
        ("default_policy: nobody", "lifeboat.yaml:1:17: default_policy: nobody names nothing."),
        ("roles: {responder: [mina, jnu]}", "lifeboat.yaml:1:27: roles.responder[1]: jnu names nothing."),
        ("roles: {commander: {people: [jnu]}}", "lifeboat.yaml:1:30: roles.commander.people[0]: jnu names nothing."),
        (
            "roles:\n  commander:\n    people: [mina]\n    on_call: [primray]",
            "lifeboat.yaml:4:15: roles.commander.on_call[0]: primray names nothing. Did you mean primary?",
        ),
        (
            "roles: {commander: {slack_groups: [S0123ABC, commanders]}}",
            "lifeboat.yaml:1:46: roles.commander.slack_groups[1]: 'commanders' is not the id of a Slack user group. In",
        ),
        ("roles: {commander: {}}", "lifeboat.yaml:1:20: roles.commander: nobody has this role. Name people"),
        ("roles: {commander: []}", "lifeboat.yaml:1:20: roles.commander: nobody has this role. Name people"),
        ("roles: {commander: [1]}", "lifeboat.yaml:1:21: roles.commander[0]: must be text."),
        ("roles: {commander: {person: [mina]}}", "lifeboat.yaml:1:21: roles.commander.person: unknown field."),
        ("a: [", "lifeboat.yaml:1:5: -: is not valid YAML"),
        ("zone: UTC\nzone: UTC", "lifeboat.yaml:2:1: zone: is given twice."),
        ("- a", "lifeboat.yaml:1:1:"),
    ],
)
def test_each_mistake_is_told_with_its_file_line_column_field_and_what_to_do(
    tmp_path: Path, text: str, said: str
) -> None:
    [told] = _told(tmp_path, text)
    assert told.startswith(said)


def test_a_role_is_people_or_schedules_or_slack_groups_and_a_list_is_people(tmp_path: Path) -> None:
    file = tmp_path / "lifeboat.yaml"
    file.write_text("roles: {responder: [mina, jun], commander: {on_call: [primary], slack_groups: [S0123ABC]}}")
    loaded = config.load(file)
    config.check_names(file, loaded, load_people())
    assert loaded.roles["responder"] == config.Role(people=("mina", "jun"))
    assert loaded.roles["commander"] == config.Role(on_call=("primary",), slack_groups=("S0123ABC",))


def test_a_wrong_name_suggests_the_nearest_right_one(tmp_path: Path) -> None:
    [told] = _told(tmp_path, "services: {a: {policy: defualt}}")
    assert "default" in told.split("names nothing.")[1]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    assert len(_told(tmp_path, "language: fr\ntargets: {rto: soon}\nunknown: 1")) == 3


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nowhere\.yaml:1:1"):
        config.load(tmp_path / "nowhere.yaml")


def test_the_published_schema_accepts_the_example() -> None:
    from ruamel.yaml import YAML

    jsonschema.Draft202012Validator.check_schema(config.schema())
    jsonschema.validate(YAML(typ="safe", pure=True).load(config.EXAMPLE.read_text()), config.schema())


def test_the_published_schema_takes_both_forms_of_a_role() -> None:
    for role in (["mina"], {"people": ["mina"], "on_call": ["primary"]}):
        jsonschema.validate({"roles": {"commander": role}}, config.schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"roles": {"commander": {"persons": ["mina"]}}}, config.schema())
