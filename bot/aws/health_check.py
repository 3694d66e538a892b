"""Failover by a health check that watches an object in the standby region: "the standby takes over the primary".

Failover records were made beforehand; the primary's health check is inverted and asks S3 in the standby region for an
object. Putting that object there is all that a failover has to do, and S3's data plane in the standby region is all that it
depends on. Nothing of Route 53 is changed or asked, so `http.answers` is what tells that traffic has moved.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)

_OBJECTS = ("arn:{partition}:s3:::*/*",)
_READS = ("s3:GetObject", "s3:ListBucket")
_CHANGES = ("s3:DeleteObject", "s3:PutObject")
#: An object that health checks look at says a word or two; a larger one is somebody's data.
_LARGEST = 4096
_TEXT = "The standby takes over.\n"
_GONE = {"NoSuchKey", "404"}
#: What Route 53 does when nobody says otherwise.
_INTERVAL, _THRESHOLD = 30, 3


class Watched(Params):
    """`object`: as `s3://bucket/key`, in the region that takes over."""

    object: Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9.-]{3,63}/.+$", max_length=1100)]

    @property
    def bucket(self) -> str:
        return self.object.split("/")[2]

    @property
    def key(self) -> str:
        return self.object.split("/", 3)[3]


class Wanted(Watched):
    """`present`: whether the object shall be there, and so the standby take over. `body`: what it shall say, if that matters."""

    present: bool = True
    body: Annotated[str | None, Field(max_length=_LARGEST)] = None


class Inspected(Watched):
    """`health_check`: the id of the primary's."""

    health_check: Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]


@action(
    "health_check.flip",
    Wanted,
    permissions=(*_READS, *_CHANGES),
    calls=("s3:DeleteObject", "s3:GetObject", "s3:HeadBucket", "s3:PutObject"),
    resources=dict.fromkeys(("s3:GetObject", *_CHANGES), _OBJECTS),
    plane="data",
    changes=N_("Puts the object that the primary's health check watches, or takes it away."),
    undo=N_("Makes the object what it was before: what it said, or gone."),
    undone_by="health_check.flip",
    recognised_by=N_("The object is there, or gone, already."),
    outputs={"was_present": "bool", "was": "str"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=2)),
    takes=timedelta(seconds=5),
)
class Flip:
    facts: ClassVar[Facts]

    def plan(self, params: Wanted, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        touches = (f"s3:{params.bucket}/{params.key}",)
        if problem := _elsewhere(aws, params):
            return StepPlan(warnings=(problem,), touches=touches)
        found = _read(aws, params)
        if _is_wanted(params, found):
            said = phrase(N_("{object} is so already."), object=params.object)
            return StepPlan(warnings=(said,), touches=touches, foreseen=_was(found))
        there = phrase(N_("Object {object}"), object=params.object)
        what = N_("Who asks for a name again is sent on, once the health check has seen it {times} times in a row.")
        return StepPlan(
            calls=(_call(params),),
            changes=(Change(there, _word(found), _word(_body(params) if params.present else None)),),
            warnings=(
                phrase(
                    N_("A health check that is disabled counts as healthy, whatever it watches: then nothing moves.")
                ),
                phrase(N_("Nobody asks Route 53 whether it has moved: verify it by what the service itself answers.")),
            ),
            disturbs=(phrase(what, times=_THRESHOLD),),
            touches=touches,
            foreseen=_was(found),
        )

    def act(self, params: Wanted, aws: Aws, attempt: Attempt) -> Progress:
        """First what is there now, which the undo needs."""
        if "before" in attempt.memory:
            perform(aws, _call(params))
            return self.look(params, aws, attempt)
        if problem := _elsewhere(aws, params):
            return Failed(problem)
        found = _read(aws, params)
        if _is_wanted(params, found):
            # An earlier attempt may have done it: then nobody knows any more what was before.
            return _done(params, _was(found) if attempt.number == 1 else {})
        note = phrase(N_("{object} is not so yet"), object=params.object)
        return Working(note, timedelta(), {"before": _was(found)}, more=True)

    def look(self, params: Wanted, aws: Aws, attempt: Attempt) -> Progress:
        if _is_wanted(params, _read(aws, params)):
            return _done(params, attempt.memory.get("before", {}))
        if attempt.now - attempt.started_at < SETTLING:
            return Working(
                phrase(N_("{object} is not so yet"), object=params.object), next_look(attempt), attempt.memory
            )
        what = N_("{object} is otherwise again: somebody changed it. Ask them, then retry.")
        return Failed(phrase(what, object=params.object))


@check(
    "health_check.ready",
    Inspected,
    permissions=("route53:GetHealthCheck",),
    calls=("route53:GetHealthCheck",),
    outputs={"detects": "int"},
    looks_up=True,
    takes=timedelta(seconds=5),
)
class Ready:
    """Holds when the primary's health check would see the object. It is for quiet days: it asks Route 53's control plane."""

    facts: ClassVar[Facts]

    def look(self, params: Inspected, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        found = aws.client("route53").get_health_check(HealthCheckId=params.health_check)["HealthCheck"]
        config = found["HealthCheckConfig"]
        if problem := _unfit(params, config):
            return Failed(problem)
        seconds = config.get("RequestInterval", _INTERVAL) * config.get("FailureThreshold", _THRESHOLD)
        what = N_("Health check {check} watches {object} and sees a change within {seconds} s.")
        note = phrase(what, check=params.health_check, object=params.object, seconds=seconds)
        return Done(note, {"detects": seconds})


def _call(params: Wanted) -> Call:
    where = {"Bucket": params.bucket, "Key": params.key}
    if params.present:
        return Call("s3", "PutObject", where | {"Body": _body(params), "ContentType": "text/plain"})
    return Call("s3", "DeleteObject", where)


def _body(params: Wanted) -> str:
    return _TEXT if params.body is None else params.body


def _read(aws: Aws, params: Watched) -> str | None:
    """What the object says; None: it is not there. Raises `ActionFailed` for one that is no object for health checks."""
    try:
        found = aws.client("s3").get_object(Bucket=params.bucket, Key=params.key)
    except ActionFailed as error:
        if error.code in _GONE:
            return None
        raise
    size = found["ContentLength"]
    if size <= _LARGEST:
        try:
            return b"".join(found["Body"]).decode()
        except UnicodeDecodeError:
            pass
    what = N_("{object} ({size} bytes) is no object for health checks, but somebody's data. Name another one.")
    raise ActionFailed(phrase(what, object=params.object, size=size), code="SomebodysData")


def _elsewhere(aws: Aws, params: Watched) -> Phrase | None:
    """The object must be in the region that takes over: the other one may be what fails."""
    region = aws.client("s3").head_bucket(Bucket=params.bucket).get("BucketRegion") or aws.region
    if region == aws.region:
        return None
    what = N_("{bucket} is in {region}, and {acting} takes over. Let the health check watch an object in {acting}.")
    return phrase(what, bucket=params.bucket, region=region, acting=aws.region)


def _is_wanted(params: Wanted, found: str | None) -> bool:
    if not params.present:
        return found is None
    return found is not None and params.body in {None, found}


def _was(found: str | None) -> Mapping[str, Any]:
    """What the undo makes of it again."""
    return {"was_present": found is not None, "was": found or ""}


def _done(params: Wanted, output: Mapping[str, Any]) -> Done:
    said = N_("{object} is there: the standby takes over.") if params.present else N_("{object} is gone.")
    return Done(phrase(said, object=params.object), output)


def _word(found: str | None) -> str | None:
    return None if found is None else found.strip() or '""'


def _unfit(params: Inspected, config: Mapping[str, Any]) -> Phrase | None:
    """Why the object would change nothing."""
    fields = {"check": params.health_check, "object": params.object}
    if config.get("Disabled"):
        what = N_("Health check {check} is disabled, so it counts as healthy whatever it watches. Enable it.")
        return phrase(what, **fields)
    host, path = str(config.get("FullyQualifiedDomainName", "")), str(config.get("ResourcePath", ""))
    address = (
        rf"{re.escape(params.bucket)}\.s3[.-].*/{re.escape(params.key)}|s3[.-][^/]*/{re.escape(params.object[5:])}"
    )
    if not re.fullmatch(address, f"{host}/{path.lstrip('/')}"):
        what = N_("Health check {check} watches {address}, not {object}. Correct one of them.")
        return phrase(what, address=f"{host}{path}" or "-", **fields)
    if not config.get("Inverted"):
        what = N_(
            "Health check {check} is not inverted: with {object} there, the primary would count as healthy. Invert it."
        )
        return phrase(what, **fields)
    return None
