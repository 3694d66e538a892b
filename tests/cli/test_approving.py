"""Who acts at a terminal, and what they approve there: never the plan that happens to be current, never as two people."""

import io
from pathlib import Path

import pytest

from bot.cli import desk
from tests.cli.conftest import Command

TALK = """\
name: talk
title: {en: Talk it over, ko: 의논}
tier: 1
targets: {rto: 30m, rpo: 5m}
steps:
  - {id: tell, manual: {en: Tell the owners., ko: 알리세요.}}
"""
TWO = TALK.replace("name: talk", "name: two").replace("steps:", "approval: {people: 2, role: responder}\nsteps:")
#: Whoever asks does not approve: one other person, who types the region.
REGION = (
    TALK.replace("name: talk", "name: region")
    .replace("tier: 1", "tier: 3")
    .replace("steps:", "approval: {people: 1}\nregions: {acting: us-west-2, failing: none}\nsteps:")
)
LOGIN = desk.login()


class Terminal(io.StringIO):
    """Somebody sits here and types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def incident(lifeboat: Command, place: Path) -> str:
    (place / "mine").mkdir()
    for name, text in {"talk": TALK, "two": TWO, "region": REGION}.items():
        (place / "mine" / f"{name}.yaml").write_text(text)
    (place / "lifeboat.yaml").write_text("playbook_folders: [mine]")
    return str(lifeboat("incident", "declare", "Trouble", "--no-wait", "--json").json["id"])


@pytest.fixture(autouse=True)
def _nobody_sits_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())


def planned(lifeboat: Command, name: str, incident: str, *more: str) -> tuple[str, str]:
    run = lifeboat("playbook", "plan", name, "-i", incident, "--json", *more).json
    assert run["status"] == "planned", run
    return run["id"], run["plan_hash"]


def run_of(lifeboat: Command, run: str) -> dict[str, object]:
    return dict(lifeboat("playbook", "show-run", run, "--json").json)


def someone_else_logs_in(monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    monkeypatch.setattr(desk, "login", lambda: login)  # a test cannot become another user of the system


def test_a_login_that_is_nobody_decides_nothing_and_reads_what_to_do(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIFEBOAT_PERSON")
    someone_else_logs_in(monkeypatch, "stranger")
    for words in (
        ("plan", "talk", "-i", incident), ("run", "talk", "-i", incident, "--yes"), ("approve", "none", "--plan", "x"),
        ("abort", "none"), ("retry", "none", "x"), ("skip", "none", "x", "--reason", "x"), ("answer", "none", "x", "yes"),
    ):  # fmt: skip
        said = lifeboat("playbook", *words)
        assert said.status == 1
        assert (
            "Nobody in people.yaml is called stranger. Say who you are with --as, or with LIFEBOAT_PERSON" in said.err
        )
        assert "alex, jun, mina, sofia" in said.err
    assert lifeboat("incident", "show", incident, "--json").json["runs"] == []


def test_a_login_that_people_yaml_has_is_that_person(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIFEBOAT_PERSON")
    someone_else_logs_in(monkeypatch, "jun")
    run, _ = planned(lifeboat, "talk", incident)
    assert run_of(lifeboat, run)["requested_by"] == "cli:jun"


def test_as_is_stronger_than_the_environment_and_both_must_name_somebody(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = planned(lifeboat, "talk", incident, "--as", "jun")
    assert run_of(lifeboat, run)["requested_by"] == "cli:jun"
    assert "called jnu." in lifeboat("playbook", "abort", run, "--as", "jnu").err
    monkeypatch.setenv("LIFEBOAT_PERSON", "nobody")
    assert "called nobody." in lifeboat("playbook", "abort", run).err
    assert lifeboat("playbook", "abort", run, "--as", "alex").status == 0
    assert run_of(lifeboat, run)["aborted_by"] == "cli:alex"


def test_whoever_sees_trouble_may_declare_it_acknowledge_it_and_read(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = planned(lifeboat, "talk", incident)
    monkeypatch.delenv("LIFEBOAT_PERSON")
    someone_else_logs_in(monkeypatch, "stranger")
    assert lifeboat("incident", "declare", "Smoke", "--no-wait").status == 0
    assert lifeboat("incident", "ack", incident).status == 0
    assert lifeboat("playbook", "show-run", run).status == 0


def test_the_environment_does_not_say_whose_process_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "jun")
    assert desk.login() == LOGIN != "jun"


def test_a_number_without_a_name_is_a_login_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)  # as in a container
    assert desk.login() == "4000000"


def test_without_a_terminal_the_plan_must_be_named(lifeboat: Command, incident: str) -> None:
    run, _ = planned(lifeboat, "talk", incident)
    said = lifeboat("playbook", "approve", run)
    assert (said.status, "Nobody is at this terminal" in said.err, "--plan HASH" in said.err) == (1, True, True)
    assert run_of(lifeboat, run)["status"] == "planned"


def test_at_a_terminal_the_plan_is_read_before_it_is_approved(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, known = planned(lifeboat, "talk", incident)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    said = lifeboat("playbook", "approve", run)
    assert (said.status, known in said.out, "Approve exactly this plan?" in said.out) == (1, True, True)
    assert run_of(lifeboat, run)["status"] == "planned"
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert lifeboat("playbook", "approve", run).status == 0
    assert run_of(lifeboat, run)["status"] == "running"


@pytest.mark.parametrize("wrong", ["0" * 64, "", "HASH ", "HALF"])
def test_another_plan_is_not_approved(lifeboat: Command, incident: str, wrong: str) -> None:
    run, known = planned(lifeboat, "talk", incident)
    said = lifeboat("playbook", "approve", run, "--plan", wrong.replace("HASH", known).replace("HALF", known[:32]))
    assert (said.status, "The plan has changed since you saw it" in said.err) == (1, True)
    assert run_of(lifeboat, run)["approvals"] == []


def test_an_approval_keeps_the_login_it_came_from(lifeboat: Command, incident: str) -> None:
    run, known = planned(lifeboat, "talk", incident)
    lifeboat("playbook", "approve", run, "--plan", known)
    now = run_of(lifeboat, run)
    [given] = now["approvals"]  # type: ignore[misc]
    assert (given["by"], given["via"], now["requested_via"]) == ("cli:mina", LOGIN, LOGIN)


def test_one_login_is_not_two_people(lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_else_logs_in(monkeypatch, "sofia")
    run, known = planned(lifeboat, "two", incident, "--as", "sofia")
    someone_else_logs_in(monkeypatch, "shared")
    approve = ("playbook", "approve", run, "--plan", known, "--as")
    said = lifeboat(*approve, "mina")
    assert (said.status, "It starts when the others have approved it too" in said.out) == (0, True)
    said = lifeboat(*approve, "jun")
    assert (said.status, "The login shared has asked for this run or approved it already" in said.err) == (1, True)
    someone_else_logs_in(monkeypatch, "sofia")
    assert "The login sofia has asked" in lifeboat(*approve, "jun").err
    assert "somebody else must approve" in lifeboat(*approve, "sofia").err
    someone_else_logs_in(monkeypatch, "jun")
    assert "approved it already" in lifeboat(*approve, "mina").err
    assert lifeboat(*approve, "jun").status == 0
    assert run_of(lifeboat, run)["status"] == "running"


def test_whoever_asks_for_what_others_approve_is_told_so_and_it_waits(lifeboat: Command, incident: str) -> None:
    said = lifeboat("playbook", "run", "two", "-i", incident, "--yes")
    assert said.status == 1
    assert "somebody else must approve it" in said.out
    [run] = lifeboat("incident", "show", incident, "--json").json["runs"]
    assert (run["status"], run["approvals"]) == ("planned", [])


def test_a_regions_plan_wants_its_name_typed(lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, known = planned(lifeboat, "region", incident)
    someone_else_logs_in(monkeypatch, "jun")
    approve = ("playbook", "approve", run, "--plan", known, "--as", "jun")
    for more in ((), ("--region", "us-east-1"), ("--region", " ")):
        said = lifeboat(*approve, *more)
        assert (said.status, "us-west-2" in said.err) == (1, True)
    assert run_of(lifeboat, run)["approvals"] == []
    assert lifeboat(*approve, "--region", "us-west-2").status == 0
    assert run_of(lifeboat, run)["status"] == "running"


def test_at_a_terminal_the_region_is_asked_for(
    lifeboat: Command, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = planned(lifeboat, "region", incident)
    someone_else_logs_in(monkeypatch, "jun")
    monkeypatch.setattr("sys.stdin", Terminal("y\nus-west-1\n"))
    said = lifeboat("playbook", "approve", run, "--as", "jun")
    assert (said.status, "you have typed us-west-1" in said.err) == (1, True)
    monkeypatch.setattr("sys.stdin", Terminal("y\nus-west-2\n"))
    assert lifeboat("playbook", "approve", run, "--as", "jun").status == 0
    assert run_of(lifeboat, run)["status"] == "running"
