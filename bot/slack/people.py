"""Who somebody is, and how to speak to them: between Slack's user ids and the people of people.yaml."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.config import Config
from bot.errors import Unavailable
from bot.incident.posted import Profile, SlackStore
from bot.language import Words
from bot.slack.blocks import escape, mention
from bot.slack.client import Slack, SlackRefused
from escalation.loading import Directory
from escalation.person import Person
from escalation.policy import FrozenPerson

log = structlog.get_logger()

_FRESH = timedelta(days=1)
#: Somebody waits for an answer in their language: after so many seconds the configured one is better than none.
_PATIENCE = 1.5
_CLI = "cli:"


class People:
    """Readers and actors. An *actor* is a key of people.yaml, `<@U…>` for a Slack user who is not in it, or `cli:root`."""

    def __init__(self, store: SlackStore, slack: Slack, directory: Directory, config: Config) -> None:
        self.store, self.slack, self.directory, self.config = store, slack, directory, config

    @property
    def everyone(self) -> Words:
        """What is said to a whole channel: in the configured language."""
        return Words(self.config.language, self.config.zone)

    async def reader(self, user: str) -> Words:
        """How to speak to a Slack user: people.yaml says, else Slack, else the configuration. Never raises."""
        person = self.directory.person_in_slack(user)
        return await self._words(user, person.language if person else None, person.time_zone if person else None)

    async def reader_of(self, person: Person | FrozenPerson) -> Words:
        """How to speak to one of our people. Never raises."""
        return await self._words(person.slack, person.language, person.time_zone)

    def is_outsider(self, team_id: str | None) -> bool:
        """Whether somebody belongs to another organisation (Slack Connect). Who we cannot tell is one."""
        identity = self.slack.identity
        return identity is None or team_id != identity.team

    def actor(self, user: str, team_id: str | None) -> str:
        """The name under which a Slack user acts. An outsider never acts as one of ours."""
        person = None if self.is_outsider(team_id) else self.directory.person_in_slack(user)
        return person.key if person else f"<@{user}>"

    def slack_id(self, actor: str) -> str | None:
        """An actor's Slack user id, if they have one."""
        if mention(actor):
            return actor.removeprefix("<@").removesuffix(">")
        person = self.directory.people.get(actor)
        return person.slack if person else None

    def display(self, actor: str, _: Words) -> str:
        """An actor as mrkdwn: the name that others know, or a mention of the Slack user."""
        if actor.startswith(_CLI):
            return _("{name} (command line)", name=escape(actor.removeprefix(_CLI)))
        person = self.directory.people.get(actor)
        return escape(person.name) if person else mention(actor) or escape(actor)

    async def _words(self, user: str | None, language: str | None, zone: str | None) -> Words:
        if user and not (language and zone):
            profile = await self._profile(user)
            if profile:
                language, zone = language or profile.language, zone or profile.zone
        return Words(language or self.config.language, zone or self.config.zone)

    async def _profile(self, user: str) -> Profile | None:
        """What Slack says of a user, at most a day old; older when Slack does not answer now."""
        async with self.store.begin() as tx:
            known, now = await tx.messages.profile(user), tx.now
        if known and now - known.at < _FRESH:
            return known
        try:
            async with asyncio.timeout(_PATIENCE):
                said = (await self.slack.call("users.info", user=user, include_locale=True))["user"]
        except (Unavailable, SlackRefused, TimeoutError) as error:
            log.warning("people.no_profile", user=user, error=str(error))
            return known
        profile = Profile(user, said.get("locale") or self.config.language, self._zone(said.get("tz")), now)
        async with self.store.begin() as tx:
            await tx.messages.put_profile(profile)
        return profile

    def _zone(self, name: str | None) -> str:
        """Slack's name of a zone, if this machine knows it too."""
        try:
            return ZoneInfo(name or "").key
        except (KeyError, ValueError, OSError):
            return self.config.zone
