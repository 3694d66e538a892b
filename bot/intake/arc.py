"""ARC zonal shift: AWS moves traffic away from a zone it thinks is impaired (autoshift), or practised it and failed.

https://docs.aws.amazon.com/r53recovery/latest/dg/eventbridge-zonal-autoshift.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.incident.alarm import Alarm, State
from bot.intake import fields
from bot.intake.message import Message


def recognises(message: Message) -> bool:
    return message.data.get("source") == "aws.arc-zonal-shift" and "detail-type" in message.data


def parse(message: Message) -> Sequence[Alarm]:
    data, detail = message.data, fields.mapping(message.data.get("detail"))
    what = fields.text(data.get("detail-type"))
    metadata = fields.mapping(detail.get("metadata"))
    zone = fields.text(metadata.get("awayFrom"))
    account, region = fields.text(data.get("account")), fields.text(data.get("region"))
    resource = fields.first(data.get("resources"))
    alarm = Alarm(
        kind="zonal_shift",
        fingerprint=fields.fingerprint(account, region, *_about(what, zone, resource)),
        name=f"{what}: {zone}" if zone else what,
        state=_state(what),
        reason=fields.text(metadata.get("notes")),
        account=account,
        region=region,
        arn=resource,
        changed_at=fields.moment(data.get("time")),
        resource="zone",
        dimensions={"AvailabilityZoneId": zone} if zone else {},
        # `data` is "" or an object, by the kind of event.
        detail={"event": what, **_known(fields.mapping(detail.get("data")))},
    )
    return (alarm,)


def _about(what: str, zone: str, resource: str) -> tuple[str, ...]:
    """An autoshift is about its zone, however many resources it moves; everything else is about one resource."""
    subject = what.rpartition(" ")[0].removesuffix(" In").lower()
    return ("zonal-shift", subject, zone) if subject == "autoshift" else ("zonal-shift", subject, zone, resource)


def _state(what: str) -> State:
    """A shift by hand is somebody's own doing, maybe ours, and a practice run that goes on is no trouble."""
    if what == "Autoshift In Progress":
        return "alarm"
    if what.startswith("Practice Run"):
        return (
            "alarm" if what.endswith(("Failed", "Interrupted")) else "ok" if what.endswith("Succeeded") else "no_data"
        )
    return "ok" if what.endswith("Completed") else "no_data"


def _known(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"data": data} if data else {}
