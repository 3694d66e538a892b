from pathlib import Path

import pytest

from bot.core import open_core, usable_playbooks
from bot.core import read_config as read
from bot.errors import BadFiles, Missing
from bot.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(database_url=f"sqlite:///{tmp_path}/lifeboat.db", config=None)


async def test_everything_opens_with_the_example(settings: Settings) -> None:
    core = await open_core(settings)
    assert set(core.playbooks) >= {"restore-table", "restart-service"}
    async with core.store.begin() as tx:
        assert await tx.incidents.listing(open_only=False) == []
    await core.close()


async def test_a_second_worker_on_the_file_is_refused_and_leaves_nothing_open(settings: Settings) -> None:
    first = await open_core(settings, worker=True)
    with pytest.raises(Missing, match="works on"):
        await open_core(settings, worker=True)
    beside = await open_core(settings)  # a command may read and write beside it
    await beside.close()
    await first.close()
    again = await open_core(settings, worker=True)
    await again.close()


def test_one_broken_playbook_does_not_take_the_others_away(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bad.yaml").write_text("name: [")
    (tmp_path / "mine" / "worse.yaml").write_text("name: worse\ntier: 9")
    (tmp_path / "lifeboat.yaml").write_text("playbook_folders: [mine]")
    config, _ = read(settings)
    playbooks, problems = usable_playbooks(config)
    assert "restore-table" in playbooks
    assert {Path(problem.file).name for problem in problems} == {"bad.yaml", "worse.yaml"}


def test_names_that_nothing_defines_are_refused_before_the_night(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "lifeboat.yaml").write_text("default_policy: nobody")
    with pytest.raises(BadFiles):
        read(settings)
