"""`region.fence` and `region.unfence`: which region may write, as a parameter says that the service itself obeys.

Each region has a parameter of its own, so that none depends on another. A fence takes the pen from whoever has it; an
unfence hands it over only from whom it is expected to be with. SSM has no conditional write: the value is read right
before, and what it was is read back afterwards by its version.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.region.known import DATABASES, TABLES
from bot.aws.region.losses import Data, losses
from bot.aws.ssm import PARAMETERS, ParameterName
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

#: What the parameter says while nobody may write.
NOBODY = "none"
Writer = Annotated[str, StringConstraints(pattern=r"^([a-z]{2}(-[a-z]+)+-\d|none)$")]
_CALLS = ("ssm:GetParameter", "ssm:PutParameter")
_OLDEST = 10


class Pen(Params):
    """`writer`: the region that may write, or `none`. `flag` must exist: the service reads it."""

    flag: ParameterName
    writer: Writer


class Fenced(Pen, Data):
    """`tables`, `database` and `failing` say whose data is left behind: for the plan only."""


class Handed(Pen):
    """`was`: what the parameter must say now; something else is somebody's decision that is not undone here."""

    was: Writer


@action(
    "region.fence",
    Fenced,
    permissions=_CALLS,
    calls=_CALLS,
    resources={"ssm:GetParameter": PARAMETERS, "ssm:PutParameter": PARAMETERS},
    plane="control",
    changes=N_("Writes into the parameter that the service obeys which region may write."),
    undo=N_("Gives the pen back to the region that had it."),
    undone_by="region.unfence",
    recognised_by=N_("The parameter names the region already."),
    outputs={"previous": "str", "version": "int", "at": "time"},
    takes=timedelta(seconds=5),
    recalls=(TABLES, DATABASES),
)
class Fence:
    facts: ClassVar[Facts]

    def plan(self, params: Fenced, aws: Aws, attempt: Attempt) -> StepPlan:
        found, touches = read(aws, params.flag), (f"ssm:{aws.region}:{params.flag}",)
        lost = losses(params, attempt)
        if found["Value"] == params.writer:
            said = phrase(N_("{flag} names {writer} already."), flag=params.flag, writer=params.writer)
            return StepPlan(warnings=(said, *lost.said), touches=touches, loses=lost.length)
        what = N_(
            "{old} stops writing as soon as it reads {flag}; until then both may write, and the later write stays."
        )
        return StepPlan(
            calls=(_write(params),), changes=(_change(params, aws, found),), touches=touches, loses=lost.length,
            disturbs=(phrase(what, old=found["Value"], flag=params.flag),), warnings=lost.said,
        )  # fmt: skip

    def act(self, params: Fenced, aws: Aws, attempt: Attempt) -> Progress:
        if read(aws, params.flag)["Value"] != params.writer:
            perform(aws, _write(params))
        return _look(params, aws, attempt)

    def look(self, params: Fenced, aws: Aws, attempt: Attempt) -> Progress:
        return _look(params, aws, attempt)


@action(
    "region.unfence",
    Handed,
    permissions=_CALLS,
    calls=_CALLS,
    resources={"ssm:GetParameter": PARAMETERS, "ssm:PutParameter": PARAMETERS},
    plane="control",
    changes=N_("Hands the right to write over, from the region that is expected to have it."),
    undo=N_("Takes it back."),
    undone_by="region.unfence",
    recognised_by=N_("The parameter names the region already."),
    outputs={"previous": "str", "version": "int", "at": "time"},
    takes=timedelta(seconds=5),
)
class Unfence:
    facts: ClassVar[Facts]

    def plan(self, params: Handed, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        found, touches = read(aws, params.flag), (f"ssm:{aws.region}:{params.flag}",)
        if found["Value"] == params.writer:
            said = phrase(N_("{flag} names {writer} already."), flag=params.flag, writer=params.writer)
            return StepPlan(warnings=(said,), touches=touches)
        if problem := _somebody_else(params, found):
            return StepPlan(warnings=(problem,), touches=touches)
        return StepPlan(
            calls=(_write(params),),
            changes=(_change(params, aws, found),),
            disturbs=(
                phrase(N_("{writer} writes as soon as it reads {flag}."), writer=params.writer, flag=params.flag),
            ),
            touches=touches,
        )

    def act(self, params: Handed, aws: Aws, attempt: Attempt) -> Progress:
        found = read(aws, params.flag)
        if found["Value"] != params.writer:
            if problem := _somebody_else(params, found):
                return Failed(problem, "conflict")
            perform(aws, _write(params))
        return _look(params, aws, attempt)

    def look(self, params: Handed, aws: Aws, attempt: Attempt) -> Progress:
        return _look(params, aws, attempt)


def _look(params: Pen, aws: Aws, attempt: Attempt) -> Progress:
    found = read(aws, params.flag)
    fields = {"flag": params.flag, "region": aws.region, "value": found["Value"], "writer": params.writer}
    if found["Value"] == params.writer:
        previous, version = _previous(params, aws, int(found["Version"])), int(found["Version"])
        note = phrase(N_("{flag} in {region} says {value}; before: {previous}."), previous=previous or "-", **fields)
        return Done(note, {"previous": previous, "version": version, "at": found["LastModifiedDate"].isoformat()})
    if attempt.now - attempt.started_at < SETTLING:
        return Working(phrase(N_("{flag} in {region} still says {value}"), **fields), again_in=next_look(attempt))
    what = N_("{flag} in {region} says {value}, not {writer}: somebody wrote it meanwhile. Ask them, then retry.")
    return Failed(phrase(what, **fields))


def read(aws: Aws, name: str) -> Mapping[str, Any]:
    """Raises `ActionFailed` for a parameter that is not there: then no service obeys it."""
    try:
        found: Mapping[str, Any] = aws.client("ssm").get_parameter(Name=name)["Parameter"]
    except ActionFailed as error:
        if error.code != "ParameterNotFound":
            raise
        what = N_(
            "There is no parameter {flag} in {region}, so nothing there obeys it. Create it with the name of the region that "
            "writes, and let the service read it before it writes."
        )
        raise ActionFailed(phrase(what, flag=name, region=aws.region), code=error.code) from error
    return found


def _previous(params: Pen, aws: Aws, version: int) -> str:
    """The newest value that is not this one; "" if none of the last ten versions has one."""
    for older in range(version - 1, max(0, version - 1 - _OLDEST), -1):
        try:
            found = aws.client("ssm").get_parameter(Name=f"{params.flag}:{older}")["Parameter"]
        except ActionFailed as error:
            if error.code not in {"ParameterNotFound", "ParameterVersionNotFound"}:
                raise
            return ""
        if found["Value"] != params.writer:
            return str(found["Value"])
    return ""


def _write(params: Pen) -> Call:
    return Call("ssm", "PutParameter", {"Name": params.flag, "Value": params.writer, "Overwrite": True})


def _change(params: Pen, aws: Aws, found: Mapping[str, Any]) -> Change:
    what = phrase(N_("Who may write, in {region} ({flag})"), region=aws.region, flag=params.flag)
    return Change(what, str(found["Value"]), params.writer)


def _somebody_else(params: Handed, found: Mapping[str, Any]) -> Phrase | None:
    if found["Value"] == params.was:
        return None
    what = N_(
        "{flag} says {value}, and {was} was expected: somebody has decided otherwise. Nothing was changed. Ask them; to go on "
        "all the same, write the parameter by hand, then retry."
    )
    return phrase(what, flag=params.flag, value=found["Value"], was=params.was)
