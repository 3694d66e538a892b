"""Every mistake in the three files is told with its line, its column and what to do; the shipped files have none."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from escalation.errors import BadFiles, UnknownName
from escalation.loading import EXAMPLE, Directory, load

Edit = Callable[[str, str, str], Path]

MISTAKES: list[tuple[str, str, str, list[str]]] = [
    (
        "people.yaml",
        "  name: Mina Park",
        "  nam: Mina Park",
        [
            "people.yaml:2:3: mina: name is missing.",
            "people.yaml:2:3: mina.nam: unknown field. Remove it, or correct its spelling.",
        ],
    ),
    ("people.yaml", "name: Mina Park", "name: ''", ["people.yaml:2:9: mina.name: must not be empty."]),
    ("people.yaml", "name: Mina Park", "name: 7", ["people.yaml:2:9: mina.name: must be text. Put it in quotes."]),
    (
        "people.yaml",
        "mina:",
        "Mina Park:",
        [
            "people.yaml:1:1: Mina Park: 'Mina Park' cannot be a name. Use lower-case letters, digits, - and _, such as mina.",
            "schedules.yaml:6:14: primary.rotation.people[0]: people.yaml has no mina. Did you mean Mina Park? Known: Mina Park, jun.",
        ],
    ),
    (
        "people.yaml",
        "mina:",
        "7:",
        [
            "people.yaml:1:1: [7]: 7 cannot be a name. Use lower-case letters, digits, - and _, such as mina.",
            "schedules.yaml:6:14: primary.rotation.people[0]: people.yaml has no mina. Known: 7, jun.",
        ],
    ),
    (
        "people.yaml",
        "mina:\n",
        "mina:\n  key: m\n",
        ["people.yaml:2:3: mina.key: unknown field. Remove it, or correct its spelling."],
    ),
    (
        "people.yaml",
        "language: ko",
        "language: korean!",
        ["people.yaml:3:13: mina.language: 'korean!' is not a language. Write a code such as ko or en."],
    ),
    (
        "people.yaml",
        "language: ko\n  time_zone: Asia/Seoul",
        "language: ko\n  time_zone: Asia/Soul",
        ["people.yaml:4:14: mina.time_zone: there is no time zone 'Asia/Soul'. Did you mean Asia/Seoul?"],
    ),
    (
        "people.yaml",
        "slack: UMINA",
        "slack: mina",
        [
            "people.yaml:5:10: mina.slack: 'mina' is not a Slack member id. Copy it in Slack from the profile, \"Copy member ID\"; it looks like U01ABC2DEF3."
        ],
    ),
    (
        "people.yaml",
        "slack: UMINA",
        "slack: UJUN",
        [
            "people.yaml:12:10: jun.slack: UJUN is already the Slack member id of mina. Copy the right one from the profile of each in Slack."
        ],
    ),
    (
        "people.yaml",
        "  slack: UJUN\n",
        "",
        [
            "people.yaml:12:14: jun.contacts[0]: this person has no Slack member id. Add slack: U… to the person, or remove this contact."
        ],
    ),
    ("people.yaml", "contacts: [slack]", "contacts: []", ["people.yaml:13:13: jun.contacts: must not be empty."]),
    ("people.yaml", "  contacts: [slack]\n", "", ["people.yaml:10:3: jun: contacts is missing."]),
    (
        "people.yaml",
        "contacts: [slack]",
        "contacts: slack",
        ["people.yaml:13:13: jun.contacts: must be a list. Begin each entry with a dash: - entry."],
    ),
    (
        "people.yaml",
        "contacts: [slack]",
        "contacts: [slak]",
        [
            "people.yaml:13:14: jun.contacts[0]: 'slak' is not a contact method. Did you mean slack? Known: email, slack, sms, voice, webhook."
        ],
    ),
    (
        "people.yaml",
        "contacts: [slack]",
        "contacts: [sms]",
        ['people.yaml:13:14: jun.contacts[0]: sms needs an address. Write it after a colon: sms: "+82 10-0000-0001".'],
    ),
    (
        "people.yaml",
        "contacts: [slack]",
        "contacts: [{slack: U1}]",
        [
            "people.yaml:13:14: jun.contacts[0]: slack takes no address here. Write only slack, and the member id in the person's own field slack."
        ],
    ),
    (
        "people.yaml",
        "contacts: [slack]",
        "contacts: [{sms: '+821000000002', slack: U1}]",
        [
            "people.yaml:13:14: jun.contacts[0]: {'sms': '+821000000002', 'slack': 'U1'} is not a contact method. Known: email, slack, sms, voice, webhook."
        ],
    ),
    (
        "people.yaml",
        '"+82 10-0000-0001"',
        "+821000000001",
        [
            'people.yaml:8:12: mina.contacts[1].sms: a phone number must be text. Put it in quotes and begin with +: "+82 10-0000-0001".'
        ],
    ),
    (
        "people.yaml",
        '"+82 10-0000-0001"',
        '"010-0000-0001"',
        [
            "people.yaml:8:12: mina.contacts[1].sms: '010-0000-0001' is not an international phone number. Write + and the country code, then 7 to 15 digits in all: \"+82 10-0000-0001\"."
        ],
    ),
    (
        "people.yaml",
        '"+82 10-0000-0001"',
        '"+82 010-0000-0001"',
        [
            "people.yaml:8:12: mina.contacts[1].sms: '+82 010-0000-0001' keeps the 0 that is dialled only inside the country. Leave out the 0 after the country code."
        ],
    ),
    (
        "people.yaml",
        "slack: UJUN\n  contacts: [slack]",
        "slack: UJUN\n  contacts: [slack]\n  contacts: [slack]",
        ["people.yaml:14:3: jun.contacts: is given twice. Keep one of the two."],
    ),
    (
        "people.yaml",
        "jun:\n  name: Jun Lee\n  time_zone: Asia/Seoul\n  slack: UJUN\n  contacts: [slack]\n",
        "jun: Jun Lee\n",
        ["people.yaml:9:6: jun: must be a mapping of names to values. Write lines of the form name: value."],
    ),
    (
        "schedules.yaml",
        "time_zone: Asia/Seoul",
        "time_zone: Seoul",
        ["schedules.yaml:2:14: primary.time_zone: there is no time zone 'Seoul'. Did you mean Asia/Seoul?"],
    ),
    (
        "schedules.yaml",
        "people: [mina, jun]",
        "people: [mina, junn]",
        [
            "schedules.yaml:6:20: primary.rotation.people[1]: people.yaml has no junn. Did you mean jun? Known: jun, mina."
        ],
    ),
    (
        "schedules.yaml",
        "people: [mina, jun]",
        "people: []",
        ["schedules.yaml:6:13: primary.rotation.people: must not be empty."],
    ),
    (
        "schedules.yaml",
        "start: 2026-01-05",
        "start: 2026-01-06",
        [
            "schedules.yaml:5:12: primary.rotation.start: 2026-01-06 is not the weekday of the hand-off. Write 2026-01-12, or change hand_off.day."
        ],
    ),
    (
        "schedules.yaml",
        "start: 2026-01-05",
        "start: 20260105",
        ["schedules.yaml:5:12: primary.rotation.start: 20260105 is not a day. Write year-month-day: 2026-01-05."],
    ),
    (
        "schedules.yaml",
        "start: 2026-01-05",
        "start: 2026-02-30",
        ["schedules.yaml:5:12: primary.rotation.start: '2026-02-30' does not exist. Write year-month-day: 2026-01-05."],
    ),
    (
        "schedules.yaml",
        "day: monday",
        "day: mon",
        [
            "schedules.yaml:4:21: primary.rotation.hand_off.day: 'mon' is not a choice here. Choose: monday, tuesday, wednesday, thursday, friday, saturday, sunday."
        ],
    ),
    (
        "schedules.yaml",
        'time: "09:00"',
        "time: 9",
        [
            'schedules.yaml:4:35: primary.rotation.hand_off.time: 9 is not a time of day. Write hours and minutes in quotes: "09:00".'
        ],
    ),
    (
        "schedules.yaml",
        'time: "09:00"',
        'time: "24:00"',
        [
            "schedules.yaml:4:35: primary.rotation.hand_off.time: '24:00' is not a time of day. Write hours and minutes in quotes: \"09:00\"."
        ],
    ),
    (
        "schedules.yaml",
        "    hand_off:",
        "    every: month\n    hand_off:",
        [
            (
                "schedules.yaml:4:12: primary.rotation.every: 'month' is no length of a turn. Write week, day or hour, or several: "
                "2 weeks, 12 hours."
            )
        ],
    ),
    (
        "schedules.yaml",
        "    hand_off:",
        "    every: day\n    hand_off:",
        [
            (
                "schedules.yaml:5:15: primary.rotation.hand_off: a weekday means nothing where turns are not weeks. "
                "Remove hand_off.day, or write every: week."
            )
        ],
    ),
    (
        "schedules.yaml",
        "{day: monday, time",
        "{time",
        [
            (
                "schedules.yaml:4:15: primary.rotation.hand_off: turns of weeks need the weekday of their hand-off. "
                "Write hand_off: {day: monday, time: …}."
            )
        ],
    ),
    (
        "schedules.yaml",
        "{person: jun, from",
        "{person: jun, add: mina, from",
        [
            (
                "schedules.yaml:8:7: primary.overrides[0]: an override says one thing, and this one says person, add. "
                "Write exactly one of person, add, remove, swap."
            )
        ],
    ),
    (
        "schedules.yaml",
        "{person: jun, from",
        "{swap: [jun, nobody], from",
        ["schedules.yaml:8:20: primary.overrides[0].swap[1]: people.yaml has no nobody. Known: jun, mina."],
    ),
    (
        "schedules.yaml",
        "  overrides:",
        "  layers:\n    - rotation: {every: day, hand_off: {time: '09:00'}, start: 2026-01-05, people: [jun]}\n  overrides:",
        ["schedules.yaml:2:3: primary: a schedule has either a rotation or layers. Write one of the two."],
    ),
    (
        "schedules.yaml",
        "{person: jun, from",
        "{person: alex, from",
        ["schedules.yaml:8:16: primary.overrides[0].person: people.yaml has no alex. Known: jun, mina."],
    ),
    (
        "schedules.yaml",
        "until: 2026-12-26 09:00",
        "until: 2026-12-24 18:00",
        [
            "schedules.yaml:8:52: primary.overrides[0].until: the override is over before it begins. Write a time after 2026-12-24 18:00."
        ],
    ),
    (
        "schedules.yaml",
        "until: 2026-12-26 09:00",
        "until: 2026-12-26",
        [
            "schedules.yaml:8:52: primary.overrides[0].until: '2026-12-26' is not a day with a time. Write 2026-12-24 18:00 (in the schedule's time zone) or 2026-12-24T18:00+09:00."
        ],
    ),
    (
        "schedules.yaml",
        "until: 2026-12-26 09:00}",
        "until: 2026-12-26 09:00}\n    - {person: mina, from: 2026-12-26 08:59, until: 2026-12-27 09:00}",
        [
            "schedules.yaml:9:7: primary.overrides[1]: overlaps the override in line 8, and only one person can be on call. Shorten or remove one of the two."
        ],
    ),
    (
        "policies.yaml",
        "{schedule: primary}",
        "{schedule: primry}",
        [
            "policies.yaml:3:25: default.levels[0].page[0].schedule: schedules.yaml has no primry. Did you mean primary? Known: primary."
        ],
    ),
    (
        "policies.yaml",
        "{schedule: primary}",
        "{scedule: primary}",
        [
            "policies.yaml:3:14: default.levels[0].page[0]: 'scedule' says not whom to page. Did you mean schedule? Known: everyone_in, person, schedule."
        ],
    ),
    (
        "policies.yaml",
        "{schedule: primary}",
        "primary",
        [
            "policies.yaml:3:14: default.levels[0].page[0]: 'primary' says not whom to page. Write one key and a name: schedule: primary."
        ],
    ),
    (
        "policies.yaml",
        "{person: jun}",
        "{person: june}",
        [
            "policies.yaml:5:23: default.levels[1].page[0].person: people.yaml has no june. Did you mean jun? Known: jun, mina."
        ],
    ),
    (
        "policies.yaml",
        "{everyone_in: primary}",
        "{everyone_in: secondary}",
        ["policies.yaml:5:43: default.levels[1].page[1].everyone_in: schedules.yaml has no secondary. Known: primary."],
    ),
    (
        "policies.yaml",
        "page: [{schedule: primary}]",
        "page: []",
        ["policies.yaml:3:13: default.levels[0].page: must not be empty."],
    ),
    ("policies.yaml", "      wait: 10m\n", "", ["policies.yaml:5:7: default.levels[1]: wait is missing."]),
    (
        "policies.yaml",
        "wait: 10m",
        "wait: 10",
        ["policies.yaml:6:13: default.levels[1].wait: 10 has no unit. Write 10s for seconds, or 10m for minutes."],
    ),
    (
        "policies.yaml",
        "wait: 10m",
        "wait: soon",
        [
            "policies.yaml:6:13: default.levels[1].wait: 'soon' is not a duration. Write a number with a unit, such as 90s, 5m, 2h, 1d or 1h30m."
        ],
    ),
    (
        "policies.yaml",
        "wait: 10m",
        "wait: 0s",
        ["policies.yaml:6:13: default.levels[1].wait: must be longer than nothing. Write 1s or more."],
    ),
    ("policies.yaml", "repeat: 2", "repeat: 10", ["policies.yaml:7:11: default.repeat: 10 is too big: 9 is the most."]),
    (
        "policies.yaml",
        "repeat: 2",
        "repeat: -1",
        ["policies.yaml:7:11: default.repeat: -1 is too small: 0 is the least."],
    ),
    ("policies.yaml", "repeat: 2", "repeat: true", ["policies.yaml:7:11: default.repeat: must be a whole number."]),
    ("policies.yaml", "repeat: 2", "repeat: twice", ["policies.yaml:7:11: default.repeat: must be a whole number."]),
]


def problems(folder: Path) -> list[str]:
    """What `load` finds wrong, without the folder's path."""
    with pytest.raises(BadFiles) as caught:
        load(folder)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"), MISTAKES, ids=[f"{file}-{new.strip()[:40]}" for file, _, new, _ in MISTAKES]
)
def test_a_mistake_is_told_where_it_stands_and_with_what_to_do(
    edit: Edit, file: str, old: str, new: str, expected: list[str]
) -> None:
    assert problems(edit(file, old, new)) == expected


def test_a_folder_without_mistakes_is_read(folder: Path) -> None:
    directory = load(folder)
    assert list(directory.people) == ["mina", "jun"]
    assert directory.person("mina").key == "mina"
    assert directory.schedule("primary").rotation.people == ("mina", "jun")
    assert directory.policy("default").cycles == 3


def test_the_problems_of_all_files_are_told_together_in_the_order_of_the_files(edit: Edit) -> None:
    edit("policies.yaml", "wait: 5m", "wait: 5")
    edit("schedules.yaml", "day: monday", "day: mon")
    edit("people.yaml", "slack: UJUN", "slack: jun")
    folder = edit("people.yaml", "language: ko", "language: 5")
    assert [re.sub(r" .*", "", one) for one in problems(folder)] == [
        "people.yaml:3:13:",
        "people.yaml:12:10:",
        "schedules.yaml:4:21:",
        "policies.yaml:4:13:",
    ]


def test_the_count_and_every_problem_stand_in_the_message(edit: Edit) -> None:
    edit("people.yaml", "slack: UJUN", "slack: jun")
    with pytest.raises(BadFiles, match=r"Problems found: 2\n.*people.yaml:12:10.*\n.*policies.yaml:7:11"):
        load(edit("policies.yaml", "repeat: 2", "repeat: two"))


@pytest.mark.parametrize("file", ["people.yaml", "schedules.yaml", "policies.yaml"])
def test_a_missing_file_is_told_once_and_not_again_for_each_name_in_the_others(folder: Path, file: str) -> None:
    (folder / file).unlink()
    (only,) = problems(folder)
    assert only.startswith(f"{file}:1:1: -: cannot be read:")
    assert only.endswith("Check the path, and that the file is UTF-8.")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]\n", "- mina\n", "mina\n", "{}\n"])
def test_a_file_without_entries_is_told(folder: Path, text: str) -> None:
    (folder / "people.yaml").write_text(text, encoding="utf-8")
    (only,) = problems(folder)
    assert re.fullmatch(
        r"people.yaml:1:\d: -: has no entries. Write at least one, as name: and its fields below.", only
    )


def test_what_is_not_yaml_is_told_with_its_place(edit: Edit) -> None:
    (only,) = problems(edit("schedules.yaml", "people: [mina, jun]", "people: [mina, jun"))
    assert only.startswith("schedules.yaml:7:")
    assert "is not valid YAML" in only


def test_a_file_that_is_not_utf8_is_told(folder: Path) -> None:
    (folder / "people.yaml").write_bytes("mina: {name: 박민아}".encode("euc-kr"))
    (only,) = problems(folder)
    assert "cannot be read" in only


def test_a_wrong_entry_is_not_told_again_where_others_name_it(edit: Edit) -> None:
    (only,) = problems(edit("people.yaml", "slack: UJUN", "slack: jun"))
    assert only.startswith("people.yaml:12:10: jun.slack: 'jun' is not a Slack member id.")


def test_overrides_that_only_touch_do_not_overlap(edit: Edit) -> None:
    touching = "until: 2026-12-26 09:00}\n    - {person: mina, from: 2026-12-26 09:00, until: 2026-12-27 09:00}"
    assert len(load(edit("schedules.yaml", "until: 2026-12-26 09:00}", touching)).schedule("primary").overrides) == 2


def test_an_overlap_is_found_behind_a_short_override_inside_a_long_one(edit: Edit) -> None:
    three = (
        "until: 2026-12-31 09:00}\n"
        "    - {person: mina, from: 2026-12-25 09:00, until: 2026-12-25 10:00}\n"
        "    - {person: mina, from: 2026-12-30 09:00, until: 2027-01-02 09:00}"
    )
    found = problems(edit("schedules.yaml", "until: 2026-12-26 09:00}", three))
    assert [one.split(" ")[0] for one in found] == ["schedules.yaml:9:7:", "schedules.yaml:10:7:"]
    assert all("overlaps the override in line 8" in one for one in found)


def test_overlap_is_judged_by_instants_and_not_by_what_is_written(edit: Edit) -> None:
    other = "until: 2026-12-26 09:00}\n    - {person: mina, from: '2026-12-26T00:30Z', until: '2026-12-26T03:00Z'}"
    assert load(edit("schedules.yaml", "until: 2026-12-26 09:00}", other))  # 00:30Z is 09:30 in Seoul


def test_an_unknown_name_is_an_error_that_suggests_the_nearest(folder: Path) -> None:
    directory = load(folder)
    with pytest.raises(UnknownName, match=r"^people.yaml has no mia. Did you mean mina\? Known: jun, mina.$"):
        directory.person("mia")
    with pytest.raises(UnknownName, match=r"^schedules.yaml has no tertiary."):
        directory.schedule("tertiary")
    with pytest.raises(UnknownName, match=r"^policies.yaml has no defualt. Did you mean default\?"):
        directory.policy("defualt")


def test_a_person_is_found_by_their_slack_id(folder: Path) -> None:
    directory = load(folder)
    found = directory.person_in_slack("UJUN")
    assert found is not None
    assert found.key == "jun"
    assert directory.person_in_slack("UNOBODY") is None


def test_nobody_can_change_what_was_loaded(folder: Path) -> None:
    directory = load(folder)
    with pytest.raises(TypeError):
        directory.people["eve"] = directory.person("mina")  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        directory.person("mina").name = "Eve"  # type: ignore[misc]


@pytest.fixture(scope="module")
def shipped() -> Directory:
    return load(EXAMPLE)


def test_the_shipped_team_can_be_paged(shipped: Directory) -> None:
    assert set(shipped.people) == {"mina", "jun", "alex", "sofia"}
    assert set(shipped.schedules) == {"primary", "secondary"}
    assert len(shipped.policy("default").levels) == 3


def test_the_shipped_numbers_reach_nobody(shipped: Directory) -> None:
    made_up = re.compile(r"\+821000000\d{3}|\+1\d{3}55501\d{2}|\+447700900\d{3}")
    numbers = [way.address for one in shipped.people.values() for way in one.reached_by if way.method == "sms"]
    assert len(numbers) == 4
    assert all(made_up.fullmatch(number) for number in numbers)
