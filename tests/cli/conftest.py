"""The command as people call it, in this process: its own folder, an emulated AWS, no Slack."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.cli import main
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.shop import Shop


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """The emulated AWS with the rehearsal's shop; it runs on a thread of its own."""
    aws = EmulatedAws(speed=20)
    asyncio.run(aws.__aenter__())
    shop = Shop(aws)
    shop.build()
    yield shop
    asyncio.run(aws.__aexit__(None, None, None))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with nothing in the environment that speaks of Lifeboat, Slack or AWS."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "TZ", "LIFEBOAT_CONFIG", "SLACK_BOT_TOKEN", "SLACK_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIFEBOAT_PERSON", "mina")  # the login that runs tests is nobody in people.yaml
    monkeypatch.setenv("LIFEBOAT_DATABASE_URL", f"sqlite:///{tmp_path}/lifeboat.db")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # nothing here may reach AWS itself
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def with_shop(place: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, value in shop.aws.environment.items():
        monkeypatch.setenv(name, value)
    (place / "lifeboat.yaml").write_text(json.dumps(shop.config()))
    return shop


@pytest.fixture
def lifeboat(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """`lifeboat("incident", "list")`."""

    def call(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["lifeboat", *words])
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Said(status, out, err)

    configured = structlog.get_config()
    yield call
    structlog.configure(**configured)
