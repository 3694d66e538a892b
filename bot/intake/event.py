"""Any other EventBridge event that a rule of the user's sends us: not understood, so an incident of its own kind."""

from collections.abc import Sequence

from bot.incident.alarm import Alarm
from bot.intake import fields
from bot.intake.message import Message


def recognises(message: Message) -> bool:
    return "detail-type" in message.data


def parse(message: Message) -> Sequence[Alarm]:
    data, detail = message.data, fields.mapping(message.data.get("detail"))
    account, region = fields.text(data.get("account")), fields.text(data.get("region"))
    source, what = fields.text(data.get("source")), fields.text(data.get("detail-type"))
    about = fields.first(data.get("resources"))
    alarm = Alarm(
        kind="event",
        fingerprint=fields.fingerprint(account, region, "event", source, what, about),
        name=what or source,
        state="alarm",
        reason=fields.text(detail.get("reason") or detail.get("message") or detail.get("statusMessage")),
        account=account,
        region=region,
        arn=about,
        changed_at=fields.moment(data.get("time")),
        resource=source.removeprefix("aws.") if source.startswith("aws.") else None,
        detail={"source": source, **detail},
    )
    return (alarm,)
