"""What a person's Slack client has at hand, and how what they did ended. The browser's page and `Person` share it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.errors import N_
from bot.language import Words
from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.delivery import Delivery, NotAcknowledged
from bot.rehearsal.slack.workspace import Channel, InstalledApp, User
from bot.rehearsal.slack.world import World


@dataclass(frozen=True)
class Outcome:
    """`notice`: an error that Slack shows. `errors`: what is wrong in a form, by block. `told`: all that was shown."""

    ok: bool = True
    notice: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()


class NotPossible(Exception):
    """A person tried what their client would not let them do; the text is for them."""


@dataclass(frozen=True)
class Desk:
    world: World
    delivery: Delivery

    def user(self, user_id: str) -> User:
        return self.world.users[user_id]

    def words(self, user_id: str) -> Words:
        """Slack's own texts are in the language of the person who reads them."""
        user = self.user(user_id)
        return Words(user.locale, user.tz)

    def channel(self, user_id: str, channel_id: str) -> Channel:
        """A conversation that the person can see."""
        channel = self.world.channels.get(channel_id)
        if channel is None or not channel.seen_by(user_id):
            raise NotPossible(self.words(user_id)(N_("There is no such channel.")))
        return channel

    def writable(self, user_id: str, channel_id: str) -> Channel:
        """A conversation that the person is in and that is open."""
        channel = self.channel(user_id, channel_id)
        if user_id not in channel.members:
            raise NotPossible(self.words(user_id)(N_("You are not in this channel.")))
        if channel.is_archived:
            raise NotPossible(self.words(user_id)(N_("This channel is archived.")))
        return channel

    def notice(self, user_id: str, text: str, channel: str | None = None, ts: str | None = None) -> Outcome:
        """Show one person that something failed."""
        self.world.tell(Change("notice", channel, ts, text, user_id))
        return Outcome(ok=False, notice=text)

    def gone(self, user_id: str) -> NotPossible:
        return NotPossible(self.words(user_id)(N_("That is no longer there.")))


def trouble_with_app(_: Words, app: InstalledApp, problem: NotAcknowledged) -> str:
    """What stands beside a button whose app did not acknowledge."""
    if problem.reason == "http_error":
        return _(N_("{app} responded with status code {status}."), app=app.name, status=problem.status)
    if problem.reason == "http_timeout":
        return _(N_("{app} did not respond in time. Try again."), app=app.name)
    return _(N_("{app} is not connected. Try again later."), app=app.name)


def trouble_with_command(_: Words, command: str, problem: NotAcknowledged) -> str:
    """What Slackbot says of a command whose app did not acknowledge."""
    if problem.reason in {"not_connected", "connection_failed"}:
        return _(N_("{command} failed because the app did not respond."), command=command)
    error = "operation_timeout" if problem.reason == "http_timeout" else "http_service_error"
    return _(N_('{command} failed with the error "{error}".'), command=command, error=error)


def as_text(answer: Any) -> dict[str, Any]:
    """The acknowledgement of a command as a message: apps may answer with a bare text."""
    if isinstance(answer, dict):
        return answer
    return {"text": str(answer)} if answer else {}
