"""The calls that start, extend and cancel a shift, and how one is renewed before it ends.

AWS takes the new time as "from now on", so it is set and never added to: to do it twice is to do it once.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from bot.aws.calls import perform
from bot.aws.tokens import comment_of
from bot.aws.zonal_shift.shifts import Shift, is_ours, shift_of
from bot.aws.zone.find import Managed, Zone, managed_of
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Call, Lapsed, Renewed
from escalation.duration import Duration

#: What AWS takes: whole minutes, up to 72 hours.
Lasting = Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(hours=72))]

#: What `renewed` asks; the actions that renew list it too.
RENEWS = (
    "arc-zonal-shift:GetManagedResource",
    "arc-zonal-shift:ListZonalShifts",
    "arc-zonal-shift:UpdateZonalShift",
)
#: AWS's word for a shift that has ended between our look and our call.
_ENDED = frozenset({"ConflictException", "ResourceNotFoundException"})


def as_text(lasting: timedelta) -> str:
    return f"{int(lasting.total_seconds()) // 60}m"


def start_call(arn: str, zone: Zone, lasting: timedelta, attempt: Attempt) -> Call:
    asked = {
        "resourceIdentifier": arn,
        "awayFrom": zone.id,
        "expiresIn": as_text(lasting),
        "comment": comment_of(attempt),
    }
    return Call("arc-zonal-shift", "StartZonalShift", asked)


def cancel_call(shift: Shift) -> Call:
    return Call("arc-zonal-shift", "CancelZonalShift", {"zonalShiftId": shift["zonalShiftId"]})


def extend_call(shift: Shift, lasting: timedelta) -> Call:
    asked = {"zonalShiftId": shift["zonalShiftId"], "expiresIn": as_text(lasting)}
    return Call("arc-zonal-shift", "UpdateZonalShift", asked)


def lasts_long(shift: Shift, lasting: timedelta, attempt: Attempt) -> bool:
    """It has just been renewed, by us or by a person: more than half of the time is left."""
    return bool(shift["expiryTime"] - attempt.now > lasting / 2)


def renewed(aws: Aws, name: str, arn: str, zone: Zone, lasting: timedelta, attempt: Attempt) -> Renewed | Lapsed:
    """The shift of a load balancer, or an Auto Scaling group, lasts as long again; or why it should not."""
    managed = managed_of(aws, arn)
    shift = shift_of(managed, zone)
    if managed is None or shift is None:
        return _gone(aws, name, arn, zone, attempt)
    if problem := _others(name, zone, managed, shift, attempt):
        return Lapsed(problem)
    if not lasts_long(shift, lasting, attempt):
        try:
            shift = perform(aws, extend_call(shift, lasting))
        except ActionFailed as error:
            if error.code not in _ENDED:
                raise
            return _gone(aws, name, arn, zone, attempt)
    until = shift["expiryTime"]
    what = phrase(
        N_("The traffic of {name} is kept away from {zone} until {until}."), name=name, zone=zone.id, until=until
    )
    return Renewed(until, what, {"expires_at": until.isoformat()})


def _others(name: str, zone: Zone, managed: Managed, shift: Shift, attempt: Attempt) -> Phrase | None:
    """Whose decision it is, when it is not ours: a shift of ours outranks what AWS itself wants to do."""
    if not is_ours(shift, attempt):
        what = N_("This incident did not start the shift of {name} away from {zone} ({comment}); it ends at {until}.")
        return phrase(what, name=name, zone=zone.id, comment=shift["comment"], until=shift["expiryTime"])
    for one in managed.get("autoshifts", ()):
        fields: dict[str, Any] = {"name": name, "zone": zone.id, "other": one["awayFrom"], "until": shift["expiryTime"]}
        if one["awayFrom"] == zone.id:
            what = N_(
                "AWS wants to keep the traffic of {name} away from {zone} itself (autoshift), and takes over when ours "
                "ends at {until}."
            )
            return phrase(what, **fields)
        what = N_(
            "AWS wants to move the traffic of {name} away from {other} (autoshift), and the shift away from {zone} keeps "
            "it from doing so until {until}. Cancel that shift if {zone} works again."
        )
        return phrase(what, **fields)
    return None


def _gone(aws: Aws, name: str, arn: str, zone: Zone, attempt: Attempt) -> Lapsed:
    """Cancelled: somebody meant it, so nobody is rung up for it."""
    found = aws.client("arc-zonal-shift").list_zonal_shifts(resourceIdentifier=arn)["items"]
    ours = next((one for one in found if one["zonalShiftId"] == attempt.memory.get("zonal_shift")), None)
    if ours is not None and ours["status"] == "CANCELED":
        what = N_("Somebody has cancelled the shift of {name} away from {zone}.")
        return Lapsed(phrase(what, name=name, zone=zone.id), aloud=False)
    what = N_("The shift of {name} away from {zone} has ended, so traffic goes there again. Start a new one if needed.")
    return Lapsed(phrase(what, name=name, zone=zone.id))
