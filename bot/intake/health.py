"""AWS Health events: evidence that AWS itself is broken, usually minutes after our own alarms.

https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.incident.alarm import Alarm, State
from bot.intake import fields
from bot.intake.message import Message


def recognises(message: Message) -> bool:
    return message.data.get("source") == "aws.health" and "detail-type" in message.data


def parse(message: Message) -> Sequence[Alarm]:
    """The event's region is where it was delivered, a copy comes to a second region: what counts is `eventRegion`."""
    data, detail = message.data, fields.mapping(message.data.get("detail"))
    region = fields.text(detail.get("eventRegion") or data.get("region"))
    account = fields.text(detail.get("affectedAccount") or data.get("account"))
    service = fields.text(detail.get("service"))
    alarm = Alarm(
        kind="health",
        # The same for every page (`communicationId` ends in -1, -2), for the copy in another region, and for the end.
        fingerprint=fields.fingerprint(account, region, _event(data, detail)),
        name=fields.text(detail.get("eventTypeCode")) or fields.text(data.get("detail-type")),
        state=_state(detail),
        reason=_description(detail),
        account=account,
        region=region,
        arn=fields.text(detail.get("eventArn")),
        changed_at=fields.moment(detail.get("lastUpdatedTime")) or fields.moment(data.get("time")),
        resource=service.lower() or None,
        detail={
            "service": service,
            "category": fields.text(detail.get("eventTypeCategory")),
            "scope": fields.text(detail.get("eventScopeCode")),
            "status": fields.text(detail.get("statusCode")),
            "communication": fields.text(detail.get("communicationId")),
            "started_at": fields.text(detail.get("startTime")),
            "affected": [fields.text(_entity(item)) for item in fields.sequence(detail.get("affectedEntities"))],
        },
    )
    return (alarm,)


def _event(data: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    communication = fields.text(detail.get("communicationId")).rpartition("-")[0]
    return fields.text(detail.get("eventArn")) or communication or fields.text(data.get("id"))


def _state(detail: Mapping[str, Any]) -> State:
    """Only trouble that is there now is an alarm: planned work and notices are for the record."""
    if detail.get("statusCode") == "closed":
        return "ok"
    planned = fields.text(detail.get("eventTypeCategory")) in {"scheduledChange", "accountNotification"}
    return "no_data" if planned or detail.get("statusCode") == "upcoming" else "alarm"


def _description(detail: Mapping[str, Any]) -> str:
    texts = [fields.mapping(item) for item in fields.sequence(detail.get("eventDescription"))]
    english = [item for item in texts if item.get("language") == "en_US"]
    return fields.text((english or texts or [{}])[0].get("latestDescription"))


def _entity(item: Any) -> Any:
    return fields.mapping(item).get("entityValue") if isinstance(item, Mapping) else item
