"""The environment, typed. Everything that is not a secret or an address is in `lifeboat.yaml` (`bot/config.py`)."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import N_, Missing, Phrase, phrase
from escalation.errors import BadValue
from escalation.refusal import refusal


class Settings(BaseSettings):
    """What the process is told by its environment. Raises `Missing` that names each variable that cannot be used.

    Secrets are `SecretStr`, which prints as asterisks; the database's address may hold a password and is never printed.
    """

    model_config = SettingsConfigDict(
        env_prefix="LIFEBOAT_", extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    config: Path | None = None
    database_url: str = Field(default="sqlite:///lifeboat.db", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    sns_cert_url_base: str | None = None
    person: str | None = None
    link_secret: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    slack_bot_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SLACK_BOT_TOKEN"))
    slack_signing_secret: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SLACK_SIGNING_SECRET"))
    slack_app_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SLACK_APP_TOKEN"))
    slack_api_url: str = Field(default="https://slack.com/api/", validation_alias=AliasChoices("SLACK_API_URL"))

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_api(cls, url: str) -> str:
        if urlsplit(url).scheme not in {"http", "https"} or not url.endswith("/api/"):
            todo = phrase(N_("Write it as https://slack.com/api/."))
            raise BadValue(phrase(N_("is not the address of Slack's Web API.")), todo)
        return url

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not re.fullmatch(r"sqlite:///[^:].*|postgresql://.+", url):
            todo = phrase(N_("Write sqlite:///lifeboat.db or postgresql://user:password@host/database."))
            raise BadValue(phrase(N_("is not the address of a database.")), todo)
        return url

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(cls, values: Any, handler: ModelWrapValidatorHandler["Settings"]) -> "Settings":
        try:
            return handler(values)
        except ValidationError as error:
            problems = {f"problem{n}": _problem(detail) for n, detail in enumerate(error.errors())}
        # Raised outside of the handler: pydantic's own error holds the values, and some of them are secrets.
        listing = Phrase("\n".join(f"{{{name}}}" for name in problems), problems)
        raise Missing(listing)

    def require_slack(self) -> tuple[str, str]:
        """The bot token and the signing secret. Raises `Missing` that says which is absent and where to get it."""
        where = {
            "SLACK_BOT_TOKEN": phrase(N_("api.slack.com/apps → your app → OAuth & Permissions → Bot User OAuth Token")),
            "SLACK_SIGNING_SECRET": phrase(N_("api.slack.com/apps → your app → Basic Information → Signing Secret")),
        }
        values = {"SLACK_BOT_TOKEN": self.slack_bot_token, "SLACK_SIGNING_SECRET": self.slack_signing_secret}
        for name, value in values.items():
            if value is None or not value.get_secret_value():
                what = N_(
                    "{name} is not set, so Lifeboat cannot talk to Slack. Get it at: {where}. No app yet? Create one "
                    "with the output of `lifeboat manifest`. Without Slack, `lifeboat demo` shows the product."
                )
                raise Missing(phrase(what, name=name, where=where[name]))
        return tuple(value.get_secret_value() for value in values.values() if value)  # type: ignore[return-value]  # both


def _problem(detail: Any) -> Phrase:
    """One refused variable: its name, what is wrong, what to do; never its value."""
    name = str(detail["loc"][0])
    variable = name if name.isupper() else f"LIFEBOAT_{name.upper()}"
    number = str(detail["input"]).lstrip("-").isdigit()
    what, todo = refusal({**detail, "input": detail["input"] if number else "…"})
    return phrase(N_("{variable}: {what} {todo}"), variable=variable, what=what, todo=todo)
