"""What Slack hands to an app for a short while: a `trigger_id` to open a modal, a `response_url` to answer."""

from dataclasses import dataclass

from bot.rehearsal.slack.clock import Clock
from bot.rehearsal.slack.ids import Ids
from bot.rehearsal.slack.refusal import Refusal

TRIGGER_SECONDS = 3.0
REPLY_SECONDS, REPLY_USES = 30 * 60.0, 5


@dataclass
class Trigger:
    """Proof that a person acted a moment ago. `view`: the modal they acted in, if any."""

    id: str
    app_id: str
    user: str
    view: str
    expires: float
    used: bool = False


class Triggers:
    """Each serves once, within three seconds."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self._known: dict[str, Trigger] = {}

    def issue(self, app_id: str, user: str, view: str = "") -> str:
        now = self._clock.now()
        secret = self._ids.secret("")
        trigger = Trigger(
            f"{int(now)}.{secret[:12]}.{secret[12:]}", app_id, user, view, now + self._clock.patience(TRIGGER_SECONDS)
        )
        self._known[trigger.id] = trigger
        return trigger.id

    def take(self, trigger_id: str, app_id: str) -> Trigger:
        """Use it up. Raises `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`."""
        trigger = self._known.get(trigger_id)
        if trigger is None or trigger.app_id != app_id:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass
class ReplyUrl:
    """Where an app may answer. `ts`: the message that was acted on; `thread_ts`: the thread it stands in."""

    app_id: str
    user: str
    channel: str
    ts: str
    thread_ts: str
    expires: float
    uses_left: int = REPLY_USES


class ReplyUrls:
    """Each serves five times, within thirty minutes."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self._known: dict[str, ReplyUrl] = {}

    def issue(self, app_id: str, user: str, channel: str, ts: str = "", thread_ts: str = "") -> str:
        token = self._ids.secret("")
        self._known[token] = ReplyUrl(app_id, user, channel, ts, thread_ts, self._clock.now() + REPLY_SECONDS)
        return token

    def take(self, token: str) -> ReplyUrl:
        """Use it once. Raises `expired_url` or `used_url`, as Slack's hooks do."""
        reply = self._known.get(token)
        if reply is None or self._clock.now() > reply.expires:
            raise Refusal("expired_url")
        if reply.uses_left == 0:
            raise Refusal("used_url")
        reply.uses_left -= 1
        return reply
