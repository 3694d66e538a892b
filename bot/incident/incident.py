"""An incident: what it is, and the changes it can go through. Values only; a change returns a new value."""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.errors import N_
from bot.incident.alarm import Alarm
from escalation.policy import Chain

Status = Literal["open", "acknowledged", "resolved"]

#: What a person reads for a status.
STATUS_NAMES: Mapping[Status, str] = {
    "open": N_("open"), "acknowledged": N_("acknowledged"), "resolved": N_("resolved"),
}  # fmt: skip

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Incident(BaseModel):
    """One incident.

    `open_key` is unique among open incidents and None once resolved: the database refuses a second open incident for the
    same alarm. `chain` is the escalation policy as it was when the incident opened; `level`, `cycle` say how far it went;
    `timer` counts escalation timers, so that one set before an acknowledgement does nothing when it is due.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    kind: str
    status: Status = "open"
    tier: int = 1
    service: str | None = None
    open_key: str | None = None
    account: str = ""
    region: str = ""
    alarm: Alarm | None = None
    declared_by: str | None = None
    started_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str = ""
    rto: timedelta
    rpo: timedelta
    chain: Chain
    level: int = 0
    cycle: int = 0
    timer: int = 0
    exhausted: bool = False
    paged_again_at: datetime | None = None
    channel: str | None = None
    channel_name: str | None = None
    channel_problem: str = ""
    own_channel: bool = True

    @property
    def resolved(self) -> bool:
        return self.status == "resolved"

    def acknowledge(self, by: str, now: datetime) -> "Incident":
        """Somebody answers: escalation stops. The first to answer stays the one who acknowledged."""
        return self.model_copy(
            update={"status": "acknowledged", "acknowledged_by": by, "acknowledged_at": now, "timer": self.timer + 1}
        )

    def resolve(self, by: str, now: datetime, resolution: str) -> "Incident":
        """It is over. The alarm may open a new incident from now on."""
        return self.model_copy(
            update={
                "status": "resolved", "resolved_by": by, "resolved_at": now, "resolution": resolution,
                "open_key": None, "timer": self.timer + 1,
            }
        )  # fmt: skip

    def at_level(self, level: int, cycle: int, *, exhausted: bool = False) -> "Incident":
        """The chain has advanced; the timers set before do not count any more."""
        return self.model_copy(update={"level": level, "cycle": cycle, "timer": self.timer + 1, "exhausted": exhausted})


def new_id() -> str:
    """Eight characters that can be read out on the phone: no 0/o, no 1/l/i."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


#: Slack's limit for a name is 80; `inc-20261123-` and a suffix such as `-999` come off it before the cut.
_SHORT_NAME = 80 - len("inc-20261123-") - len("-999")


def channel_name(started_at: datetime, name: str, suffix: int = 1) -> str:
    """`inc-20261123-orders-api`, then `…-2`: lower case, digits and hyphens, never over 80 characters.

    The one builder of channel names: the suffix is budgeted before the cut, since a cut afterwards makes names collide.
    """
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SHORT_NAME].strip("-") or "incident"
    return f"inc-{started_at:%Y%m%d}-{short}" + (f"-{suffix}" if suffix > 1 else "")
