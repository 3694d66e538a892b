"""The contact methods of `bot/contact/`, wired: which regions send, with which secrets, from which addresses. No logic."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

import aiohttp

from bot.contact.email import Email
from bot.contact.links import Links
from bot.contact.sms import Publish, Sms, through_end_user_messaging, through_sns
from bot.contact.voice import Line, Voice
from bot.contact.webhook import Answered, Webhook
from bot.core import Core
from bot.incident.ports import ContactMethod

#: Shorter than the patience of paging (8 s), so that a slow server is told from a dead one.
_WEBHOOK_PATIENCE = timedelta(seconds=6)


class Reach(Protocol):
    """`bot.app.Aws`: sessions by region, and the pool that blocking calls run on."""

    @property
    def pool(self) -> Any: ...

    @property
    def session(self) -> Any: ...


def contact_methods(core: Core, aws: Reach) -> list[ContactMethod]:
    """Every method but Slack's. One that is not set up says so when it is used, and the next one is used."""
    link = links.of if (links := links_of(core)) else None
    language, now, secret = core.config.language, core.clock.now, core.settings.webhook_secret
    return [
        Sms(_sms(core, aws), language),
        Email(_senders(core, aws), core.config.contact.email.sender if core.config.contact.email else "", language, now, link),
        Voice(_lines(core, aws), language, now, link),
        Webhook(_post, secret.get_secret_value() if secret else None, now),
    ]  # fmt: skip


def links_of(core: Core) -> Links | None:
    """None without a public address or LIFEBOAT_LINK_SECRET."""
    base, secret = core.config.public_url, core.settings.link_secret
    return Links(base, secret.get_secret_value()) if base and secret and secret.get_secret_value() else None


def _regions(core: Core) -> tuple[str, ...]:
    return core.config.contact.regions or (core.config.region,)


def _call(aws: Reach, service: str, region: str, method: str) -> Callable[..., Any]:
    """A method of a client, run on the pool."""

    async def call(**parameters: Any) -> Any:
        return await aws.pool(lambda: getattr(aws.session(region).client(service), method)(**parameters))

    return call


def _sms(core: Core, aws: Reach) -> Mapping[str, Publish]:
    """SNS in each region, then End User Messaging in each."""
    sender = core.config.contact.sms.sender
    ways = {f"sns:{region}": through_sns(_call(aws, "sns", region, "publish")) for region in _regions(core)}
    for region in _regions(core) if sender else ():
        send = _call(aws, "pinpoint-sms-voice-v2", region, "send_text_message")
        ways[f"end-user-messaging:{region}"] = through_end_user_messaging(send, sender)
    return ways


def _senders(core: Core, aws: Reach) -> Mapping[str, Callable[..., Any]]:
    return {region: _call(aws, "sesv2", region, "send_email") for region in _regions(core)}


def _lines(core: Core, aws: Reach) -> list[Line]:
    return [
        Line(one.region, one.instance, one.flow, one.number, _call(aws, "connect", one.region, "start_outbound_voice_contact"))
        for one in core.config.contact.voice
    ]  # fmt: skip


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
    timeout = aiohttp.ClientTimeout(total=_WEBHOOK_PATIENCE.total_seconds())
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers=dict(headers), allow_redirects=False) as answer,
        ):
            asked = answer.headers.get("Retry-After", "")
            return Answered(answer.status, float(asked) if asked.isdigit() else None)
    except aiohttp.ClientError as error:
        raise OSError(type(error).__name__) from error
