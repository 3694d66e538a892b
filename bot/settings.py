"""The environment, typed. Everything that is not a secret or an address is in `lifeboat.yaml` (`bot/config.py`)."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import N_, Missing, phrase


class Settings(BaseSettings):
    """What the process is told by its environment. Secrets are `SecretStr`: they print as asterisks."""

    model_config = SettingsConfigDict(env_prefix="LIFEBOAT_", extra="ignore", frozen=True, populate_by_name=True)

    config: Path | None = None
    database_url: str = "sqlite:///lifeboat.db"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    sns_cert_url_base: str | None = None
    slack_bot_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SLACK_BOT_TOKEN"))
    slack_signing_secret: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SLACK_SIGNING_SECRET"))
    slack_app_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SLACK_APP_TOKEN"))
    slack_api_url: str = Field(default="https://slack.com/api/", validation_alias=AliasChoices("SLACK_API_URL"))

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_api(cls, url: str) -> str:
        if not url.endswith("/api/"):
            message = f"SLACK_API_URL must end in /api/, but is {url}"
            raise ValueError(message)
        return url

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if urlsplit(url).scheme not in {"sqlite", "postgresql"}:
            message = "LIFEBOAT_DATABASE_URL must begin with sqlite:/// or postgresql://"
            raise ValueError(message)
        return url

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
