from pathlib import Path

import pytest

from bot.errors import Missing
from bot.language import Words
from bot.settings import Settings

SECRETS = ("xoxb-hunter2", "signing-hunter2", "xapp-hunter2", "dbpass-hunter2")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_TOKEN", "SIGNING_SECRET", "APP_TOKEN", "API_URL"):
        monkeypatch.delenv(f"SLACK_{name}", raising=False)
    for name in ("CONFIG", "DATABASE_URL", "HOST", "PORT", "SNS_CERT_URL_BASE"):
        monkeypatch.delenv(f"LIFEBOAT_{name}", raising=False)


def test_with_nothing_set_it_runs_on_this_machine_alone() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8080, "sqlite:///lifeboat.db")
    assert settings.slack_api_url == "https://slack.com/api/"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFEBOAT_CONFIG", "/etc/lifeboat.yaml")
    monkeypatch.setenv("LIFEBOAT_PORT", "0")
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:3000/api/")
    settings = Settings()
    assert (settings.config, settings.port) == (Path("/etc/lifeboat.yaml"), 0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LIFEBOAT_PORT", "eighty", "must be a whole number"),
        ("LIFEBOAT_PORT", "65536", "65535 is the most"),
        ("LIFEBOAT_PORT", "-1", "0 is the least"),
        ("LIFEBOAT_DATABASE_URL", "mysql://me@host/db", "Write sqlite:///lifeboat.db or postgresql://"),
        ("LIFEBOAT_DATABASE_URL", "sqlite://", "Write sqlite:///lifeboat.db"),
        ("LIFEBOAT_DATABASE_URL", "sqlite:///:memory:", "Write sqlite:///lifeboat.db"),
        ("SLACK_API_URL", "https://slack.com/api", "https://slack.com/api/"),
        ("SLACK_API_URL", "slack.com/api/", "https://slack.com/api/"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Missing) as caught:
        Settings()
    assert str(caught.value).startswith(f"{name}: ")
    assert said in str(caught.value)
    assert Words("ko").phrase(caught.value).startswith(f"{name}: ")


def test_several_bad_variables_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFEBOAT_PORT", "x")
    monkeypatch.setenv("SLACK_API_URL", "x")
    with pytest.raises(Missing) as caught:
        Settings()
    assert len(str(caught.value).splitlines()) == 2


def test_no_secret_is_ever_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    bot, signing, app, database = SECRETS
    monkeypatch.setenv("SLACK_BOT_TOKEN", bot)
    monkeypatch.setenv("SLACK_SIGNING_SECRET", signing)
    monkeypatch.setenv("SLACK_APP_TOKEN", app)
    monkeypatch.setenv("LIFEBOAT_DATABASE_URL", f"postgresql://me:{database}@host/db")
    settings = Settings()
    assert settings.require_slack() == (bot, signing)
    for text in (
        repr(settings),
        str(settings),
        f"{settings!r:>10}",
        settings.model_dump_json(exclude={"database_url"}),
    ):
        assert "hunter2" not in text


def test_a_refused_address_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFEBOAT_DATABASE_URL", "mysql://me:dbpass-hunter2@host/db")
    with pytest.raises(Missing) as caught:
        Settings()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("given", "missing", "where"),
    [
        ({}, "SLACK_BOT_TOKEN", "OAuth & Permissions"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET", "Basic Information"),
        ({"SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": "s"}, "SLACK_BOT_TOKEN", "OAuth & Permissions"),
    ],
)
def test_what_slack_needs_is_named_with_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str, where: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Missing) as caught:
        Settings().require_slack()
    for word in (missing, where, "lifeboat manifest", "lifeboat demo"):
        assert word in str(caught.value)
