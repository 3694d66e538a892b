"""A folder of wrong playbooks, one fault each. Its first line says what lint must say of it, and where.

The actions and checks are the shipped ones. Every message that the linter can give has a file here: the list of messages is
read from the code, so a new rule without a wrong playbook fails.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bot.aws import ACTIONS, CHECKS
from bot.playbook.lint import lint
from bot.playbook.loading import files
from escalation.document import read, read_text
from escalation.errors import BadFile

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "wrong"
FILES = sorted(FOLDER.glob("*.yaml"))
#: Who judges playbooks. The vocabulary itself (`model.py`) is judged by pydantic, in the words of `escalation/refusal.py`.
JUDGES = (
    "bot/playbook/structure.py",
    "bot/playbook/parameters.py",
    "bot/aws/models.py",
    "bot/aws/call_faults.py",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "bot/playbook/lint").glob("*.py"))),
)
#: What tells a person what to do, or is only a part of a message.
PARTS = {"todo", "wanted", "found"}


@cache
def problems(file: Path) -> list[BadFile]:
    beside = {path.stem for path in files(ROOT / "playbooks")}
    try:
        return lint([read(file)], ACTIONS, CHECKS, beside)
    except BadFile as error:
        return [error]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_one_fault_gives_the_one_right_message_at_the_right_place(file: Path) -> None:
    expected = file.read_text(encoding="utf-8").split("\n", 1)[0]
    assert [f"# {one.line}:{one.column}: {one.what}" for one in problems(file)] == [expected]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_message_names_file_line_and_column_and_what_to_do(file: Path) -> None:
    for one in problems(file):
        assert str(one).startswith(f"{file}:{one.line}:{one.column}: ")
        by_itself = ("is missing.", "must ", "is the most.", "is not valid YAML")  # says what to do already
        assert str(one.todo) or any(said in str(one.what) for said in by_itself)


def test_there_are_forty_of_them_and_more() -> None:
    assert len(FILES) >= 40


def test_every_message_of_the_linter_has_a_wrong_playbook() -> None:
    given = {getattr(one.what, "message", one.what) for file in FILES for one in problems(file)}
    messages = {message for judge in JUDGES for message in said_by(ROOT / judge)}
    assert len(messages) >= 50, "the reader of the code finds what is said"
    assert sorted(messages - given) == []


def said_by(module: Path) -> Iterator[str]:
    """Every msgid inside a function that says what is wrong: not what to do, which is the argument after it."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for function in tree.body:
        if isinstance(function, ast.FunctionDef | ast.ClassDef):
            excused = {id(node) for part in what_to_do(function) for node in ast.walk(part)}
            for node in ast.walk(function):
                match node:
                    case ast.Call(func=ast.Name(id="N_"), args=[ast.Constant(value=message)]) if (
                        id(node) not in excused
                    ):
                        yield str(message)


def what_to_do(function: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in PARTS:
                yield value
            case ast.Call(func=ast.Attribute(attr="problem") | ast.Name(id="Fault"), args=[_, _, todo, *_]):
                yield todo
            case ast.FunctionDef(name="meant_by" | "problems_of"):
                yield node


def test_the_right_playbooks_beside_them_have_no_problems() -> None:
    """All at once: two that exclude each other know of each other."""
    documents = [read(file) for file in sorted((FOLDER.parent / "right").glob("*.yaml"))]
    assert len(documents) >= 8
    assert [str(problem) for problem in lint(documents, ACTIONS, CHECKS)] == []


def test_a_playbook_that_is_broken_itself_may_be_excluded() -> None:
    broken = read_text("name: move-back\ntier: 3\n", Path("move-back.yaml"))
    problems = lint([read(FOLDER.parent / "right" / "move-region.yaml"), broken], ACTIONS, CHECKS)
    assert {Path(problem.file).name for problem in problems} == {"move-back.yaml"}
