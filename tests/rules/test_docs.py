"""Rules for everything that we write for people: what a page names exists, and what it shows has been run."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from moto import mock_aws

from bot import jobs, web
from bot.aws import ACTIONS, CHECKS
from bot.aws.session import Session
from bot.cli import app
from bot.config import Config, load
from bot.config import check_names as check_config_names
from bot.intake import SOURCES
from bot.intake.message import unwrap
from bot.playbook.action import Attempt, Done, Working
from bot.playbook.lint import lint
from bot.settings import Settings
from bot.slack.command_words import WORDS
from bot.slack.commands import COMMANDS, OPENERS
from bot.store import tables
from escalation import loading
from escalation.document import read
from tests.aws.fakes import T0

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Fence:
    """A block of code; `file` is the name in the comment on its first line, "" when there is none."""

    page: Path
    language: str
    text: str

    @property
    def file(self) -> str:
        first = self.text.split("\n", 1)[0]
        named = re.fullmatch(r"(?:#|//) ([\w./-]+\.\w+)", first)
        return named[1] if named else ""


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fences(page: Path) -> list[Fence]:
    return [Fence(page, language, body) for language, body in FENCE.findall(page.read_text(encoding="utf-8"))]


def example(name: str, file: str) -> Fence:
    """The one block of a page that shows this file."""
    [found] = [fence for fence in fences(ROOT / name) if fence.file == file]
    return found


def spans(page: Path) -> list[str]:
    return SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def commands(page: Path) -> Iterator[list[str]]:
    """Every `lifeboat …` of a page, as words: in the text, and at the beginning of a line in a block for a shell."""
    lines = [
        line for fence in fences(page) if fence.language in {"", "sh", "console"} for line in fence.text.split("\n")
    ]
    for written in (*spans(page), *lines):
        if found := re.match(r"(?:\$ )?(?:\.venv/bin/)?lifeboat ([^#|>&]+)", written.strip()):
            yield found[1].split()


def rows(name: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = re.split(r"^#+ ", text_of(name).split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def first_words(name: str, heading: str) -> set[str]:
    """What stands between backticks in the first cells of a table."""
    return {word for row in rows(name, heading) for word in SPAN.findall(row[0])}


def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, target


def slug(heading: str) -> str:
    """A heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_path_that_a_page_names_exists(page: Path) -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in {".git", ".venv", "build"}}
    for span in spans(page):
        path = span.split("::")[0]
        if not re.fullmatch(r"[\w.*/-]+", path) or path.split("/")[0] not in folders or "/" not in path:
            continue
        assert list(ROOT.glob(path.rstrip("/"))), path


def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    root: Any = typer.main.get_command(app)
    for words in commands(page):
        command, rest = root, list(words)
        while rest and hasattr(command, "commands"):
            name = rest.pop(0)
            if re.fullmatch(r"…|\.\.\.|--help", name):
                break
            assert name in command.commands, " ".join(words)
            command = command.commands[name]
        known = {"--help"} | {
            option for one in getattr(command, "params", ()) for option in (*one.opts, *one.secondary_opts)
        }
        given = {word.split("=")[0].strip("[]") for word in rest if word.strip("[").startswith("-")}
        assert given <= known, " ".join(words)


def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    shown = [line for fence in fences(page) for line in fence.text.split("\n")]
    for written in (*spans(page), *shown):
        for target in re.findall(r"^make ([a-z]+)", written):
            assert target in targets, written


def settings() -> dict[str, Any]:
    """The environment variables of bot/settings.py, and their defaults."""
    prefix = Settings.model_config["env_prefix"]
    found = {}
    for name, field in Settings.model_fields.items():
        alias: Any = field.validation_alias
        found[str(alias.choices[0]) if alias else f"{prefix}{name}".upper()] = field.default
    return found


def test_every_environment_variable_that_a_page_names_is_read(page: Path) -> None:
    named = set(re.findall(r"\b(?:LIFEBOAT|SLACK)_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
    assert named <= settings().keys()


def test_the_readme_lists_every_environment_variable_with_its_default() -> None:
    listed = {SPAN.findall(row[0])[0]: row[-1] for row in rows("README.md", "Environment")}
    ours = {name: default for name, default in listed.items() if not name.startswith("AWS_")}
    assert ours.keys() == settings().keys()
    for name, default in settings().items():
        if default is not None:
            assert f"`{default}`" in ours[name]


def test_the_readme_lists_every_command() -> None:
    root: Any = typer.main.get_command(app)
    listed = {
        name
        for row in rows("README.md", "Commands")
        for name in re.findall(r"`lifeboat ([a-z-]+(?: [a-z-]+)?)", row[0])
    }
    ours = set()
    for name, command in root.commands.items():
        ours |= {f"{name} {inner}" for inner in command.commands} if hasattr(command, "commands") else {name}
    assert listed == ours


def test_the_readme_lists_every_http_route() -> None:
    served: Any = web.routes(alarms=None, links=None, slack=None, ready=None, store=None)  # type: ignore[arg-type]  # never called
    ours = {f"{route.method} {route.resource.canonical}" for route in served.router.routes() if route.method != "HEAD"}
    assert first_words("README.md", "HTTP") == ours


def test_the_readme_lists_every_slash_command_that_works() -> None:
    listed = {word.split()[1] for word in first_words("README.md", "In Slack") if " " in word}
    assert listed == (COMMANDS.keys() | OPENERS.keys()) - {"help", "unknown"}
    assert listed <= WORDS.keys()


def test_the_architecture_page_lists_every_kind_of_job_with_its_lane() -> None:
    listed = {
        SPAN.findall(row[0])[0]: row[1] for row in rows("docs/architecture.md", "Every handler is safe to run twice")
    }
    assert listed == {kind.name: kind.lane.name for kind in jobs.KINDS.values()}


def test_the_architecture_page_lists_every_table() -> None:
    assert first_words("docs/architecture.md", "The tables") == set(tables.SQLModel.metadata.tables)


def test_the_page_about_sources_lists_every_source() -> None:
    assert first_words("docs/adding-an-alarm-source.md", "The sources") == set(SOURCES)


def test_the_page_about_playbooks_lists_every_action_and_check_with_its_outputs() -> None:
    listed = {
        SPAN.findall(row[0])[0]: set(SPAN.findall(row[-1]))
        for row in rows("docs/writing-a-playbook.md", "What a step can use")
    }
    assert listed == {name: set(one.facts.outputs) for name, one in {**ACTIONS, **CHECKS}.items()}


def test_every_block_of_json_is_json(page: Path) -> None:
    for fence in fences(page):
        if fence.language == "json":
            json.loads(fence.text)


def test_the_configuration_on_the_page_can_be_used(tmp_path: Path) -> None:
    guide = "docs/connecting-slack-and-aws.md"
    (tmp_path / "escalation").mkdir()
    for file in ("lifeboat.yaml", "escalation/people.yaml", "escalation/schedules.yaml", "escalation/policies.yaml"):
        (tmp_path / file).write_text(example(guide, file).text, encoding="utf-8")
    config: Config = load(tmp_path / "lifeboat.yaml")
    assert config.escalation_folder is not None
    directory = loading.load(config.escalation_folder)
    check_config_names(tmp_path / "lifeboat.yaml", config, directory)
    assert config.sources.topics
    assert config.sources.queues


def test_the_playbook_on_the_page_lints_clean(tmp_path: Path) -> None:
    shown = example("docs/writing-a-playbook.md", "playbooks/use-other-table.yaml")
    file = tmp_path / Path(shown.file).name
    file.write_text(shown.text, encoding="utf-8")
    assert [str(problem) for problem in lint([read(file)], ACTIONS, CHECKS)] == []


def run(fence: Fence) -> ModuleType:
    """The module that a page shows."""
    module = ModuleType(fence.file.removesuffix(".py").replace("/", "."))
    exec(compile(fence.text, f"{fence.page.name}: {fence.file}", "exec"), vars(module))  # a page of ours
    return module


def test_the_source_on_the_page_reads_its_payload() -> None:
    guide = "docs/adding-an-alarm-source.md"
    source = run(example(guide, "bot/intake/guardduty.py"))
    [payload] = [fence for fence in fences(ROOT / guide) if fence.language == "json"]
    message = unwrap(payload.text)
    assert source.recognises(message)
    [alarm] = source.parse(message)
    assert (alarm.kind, alarm.state, alarm.region) == ("guardduty", "alarm", "us-east-1")
    assert alarm.fingerprint.startswith("111122223333|us-east-1|")


@mock_aws
def test_the_action_on_the_page_works_and_is_safe_to_call_twice() -> None:
    module = run(example("docs/adding-an-action.md", "bot/aws/rds.py"))
    action, session = module.FailoverCluster(), Session("us-east-1")
    rds = session.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="orders", Engine="aurora-mysql", MasterUsername="u", MasterUserPassword="p" * 12
    )
    for name in ("orders-1", "orders-2"):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier="orders",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-mysql",
        )
    params = action.facts.params(cluster="orders", to="orders-2")
    attempt = Attempt("inc-7", "run-1", "failover", 1, T0, T0)
    [change] = action.plan(params, session, attempt).changes
    assert (change.before, change.after) == ("orders-1", "orders-2")
    assert isinstance(action.act(params, session, attempt), Working | Done)
    assert isinstance(action.act(params, session, attempt), Done)
    assert action.facts.permissions == ("rds:DescribeDBClusters", "rds:FailoverDBCluster")


def test_no_page_speaks_of_how_it_was_made(page: Path) -> None:
    assert not re.findall(r"\bissue \d|\bbrief\b|shared/|facts/", page.read_text(encoding="utf-8"), re.IGNORECASE)
