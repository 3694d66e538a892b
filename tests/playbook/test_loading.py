from pathlib import Path

import pytest

from bot.playbook.loading import load
from escalation.errors import BadFiles
from tests.playbook.sample import HEAD, STEPS

GOOD = HEAD + STEPS


def test_playbooks_are_loaded_by_name_and_other_folders_may_add_some(tmp_path: Path) -> None:
    own, theirs = tmp_path / "own", tmp_path / "theirs"
    own.mkdir()
    theirs.mkdir()
    (own / "restore.yaml").write_text(GOOD, encoding="utf-8")
    (own / "notes.txt").write_text("not a playbook", encoding="utf-8")
    (theirs / "another.yaml").write_text(GOOD.replace("name: restore", "name: another"), encoding="utf-8")
    assert list(load(own)) == ["restore"]
    assert list(load(own, [theirs])) == ["another", "restore"]
    assert list(load(own, [theirs / "another.yaml"])) == ["another", "restore"]


def test_every_problem_of_every_file_is_reported_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: [", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD.replace("name: restore", "name: other"), encoding="utf-8")
    (tmp_path / "c.yaml").write_text("", encoding="utf-8")
    with pytest.raises(BadFiles) as caught:
        load(tmp_path)
    assert {Path(problem.file).name for problem in caught.value.problems} == {"a.yaml", "b.yaml", "c.yaml"}


def test_two_playbooks_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "restore.yaml").write_text(GOOD, encoding="utf-8")
    more = tmp_path / "more"
    more.mkdir()
    (more / "restore.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadFiles, match="has a playbook of this name too"):
        load(tmp_path, [more])


def test_a_file_that_is_not_there_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(BadFiles, match="cannot be read"):
        load(tmp_path / "missing")
