"""`s3.shift_access_point`: which regions the requests to a Multi-Region Access Point go to.

The dials are turned at any of five regions, which are S3's own failover controls; the one that is failing is left out. What
is sent is a value, so sending it again has no second effect. What was before is read and stored first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints, model_validator

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.several import Endpoint, Silence, first_answer, shuffled, told
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)
from escalation.errors import BadValue

_GET, _SUBMIT = "s3:GetMultiRegionAccessPointRoutes", "s3:SubmitMultiRegionAccessPointRoutes"
_ARNS = ("arn:{partition}:s3::{account}:accesspoint/*",)
#: Where S3 lets its dials be turned.
#: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_SubmitMultiRegionAccessPointRoutes.html
CONTROL_REGIONS = ("us-east-1", "us-west-2", "ap-southeast-2", "ap-northeast-1", "eu-west-1")
#: AWS's word: a turn of the dials has taken effect by then.
_IN_EFFECT = timedelta(minutes=2)
_PATIENCE = timedelta(minutes=2)
_AT_ONCE = timedelta()

Regions = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")], ...], InputType("list")
]


class Routes(Params):
    """`on` and `off`: the regions that requests go to, and those that they do not go to. The others stay as they are."""

    access_point: Annotated[str, StringConstraints(pattern=r"^arn:[\w-]+:s3::\d{12}:accesspoint/[\w.-]+$")]
    on: Regions = ()
    off: Regions = ()

    @model_validator(mode="after")
    def _can_be_wanted(self) -> Self:
        if not self.wanted:
            raise BadValue(phrase(N_("says of no region whether it shall get requests.")))
        if both := set(self.on) & set(self.off):
            raise BadValue(phrase(N_("{names} cannot be both on and off."), names=", ".join(sorted(both))))
        return self

    @property
    def wanted(self) -> Mapping[str, bool]:
        return {**dict.fromkeys(self.on, True), **dict.fromkeys(self.off, False)}

    @property
    def account(self) -> str:
        return self.access_point.split(":")[4]

    @property
    def name(self) -> str:
        return self.access_point.rpartition("/")[2]


@action(
    "s3.shift_access_point",
    Routes,
    permissions=(_GET, _SUBMIT),
    calls=("s3control:GetMultiRegionAccessPointRoutes", "s3control:SubmitMultiRegionAccessPointRoutes"),
    resources={_GET: _ARNS, _SUBMIT: _ARNS},
    plane="data",
    changes=N_("Sends the requests to the access point to these regions, and none to the others that are named."),
    undo=N_("Turns the dials back to what they were."),
    undone_by="s3.shift_access_point",
    recognised_by=N_("The dials stand so already; what is set again changes nothing."),
    outputs={"was_on": "list", "was_off": "list"},
    recovers=Figures(rpo=timedelta(minutes=15), rto=_IN_EFFECT),
    takes=_IN_EFFECT,
)
class ShiftAccessPoint:
    facts: ClassVar[Facts]

    def plan(self, params: Routes, aws: Aws, attempt: Attempt) -> StepPlan:
        seen = first_answer(aws, _controls(attempt), {}, lambda at: _dials(at, params))
        touches = (f"s3-access-point:{params.name}",)
        before = {} if isinstance(seen, Silence) else seen.found
        if problem := before and _impossible(params, before):
            return StepPlan(warnings=(problem,), touches=touches)
        if before and _stands(params, before):
            said = phrase(N_("It is so already: {dials}."), dials=_shown(before))
            return StepPlan(warnings=(said,), touches=touches, foreseen=_was(params, before))
        what = N_("Requests to {name} that go to {region}")
        return StepPlan(
            calls=(_submit(params),),
            changes=tuple(
                Change(phrase(what, name=params.name, region=region), _word(before.get(region)), _word(on))
                for region, on in sorted(params.wanted.items())
                if before.get(region) != on
            ),
            warnings=_warnings(seen.silent),
            disturbs=(
                phrase(
                    N_("Uploads and downloads that are under way end where they began."),
                ),
            ),
            touches=touches,
            foreseen=_was(params, before),
        )

    def act(self, params: Routes, aws: Aws, attempt: Attempt) -> Progress:
        """First what is there now, which the undo needs; then the change, at the first region that takes it."""
        silent: Mapping[str, str] = attempt.memory.get("silent", {})
        if "before" not in attempt.memory:
            seen = first_answer(aws, _controls(attempt), silent, lambda at: _dials(at, params))
            if isinstance(seen, Silence):
                return _silence(seen, attempt, more=True)
            if problem := _impossible(params, seen.found):
                return Failed(problem)
            if _stands(params, seen.found):
                # An earlier attempt may have done it: then nobody knows any more what was before.
                return _done(params, seen.found, seen.found if attempt.number == 1 else {})
            note = phrase(N_("Requests to {name} go to: {dials}"), name=params.name, dials=_shown(seen.found))
            return Working(note, _AT_ONCE, {"before": seen.found, "silent": dict(seen.silent)}, more=True)
        sent = first_answer(aws, _controls(attempt), silent, lambda at: perform(at, _submit(params)))
        if isinstance(sent, Silence):
            return _silence(sent, attempt, more=True)
        note = phrase(N_("{region} took it; it takes effect within two minutes"), region=sent.endpoint.region)
        memory = {"through": sent.endpoint.region, "sent_at": attempt.now.isoformat(), "silent": dict(sent.silent)}
        return Working(note, next_look(attempt), {**attempt.memory, **memory})

    def look(self, params: Routes, aws: Aws, attempt: Attempt) -> Progress:
        """Ask another region than the one that took it, if any answers, until the two minutes are over too."""
        controls, through = _controls(attempt), attempt.memory.get("through")
        others = [one for one in controls if one.region != through]
        seen = first_answer(aws, others, attempt.memory.get("silent", {}), lambda at: _dials(at, params))
        if isinstance(seen, Silence) and len(seen.silent) >= len(others):
            seen = first_answer(aws, controls, seen.silent, lambda at: _dials(at, params))
        if isinstance(seen, Silence):
            return _silence(seen, attempt, more=False)
        sent_at = datetime.fromisoformat(attempt.memory.get("sent_at", attempt.started_at.isoformat()))
        fields = {"name": params.name, "dials": _shown(seen.found)}
        if _stands(params, seen.found):
            if attempt.now - sent_at >= _IN_EFFECT:
                return _done(params, seen.found, attempt.memory.get("before", {}))
            note = phrase(
                N_("Requests to {name} are set to go to: {dials}; it takes effect within two minutes"), **fields
            )
            return Working(note, next_look(attempt), attempt.memory)
        if attempt.now - sent_at < SETTLING:
            note = phrase(N_("Requests to {name} still go to: {dials}"), **fields)
            return Working(note, next_look(attempt), attempt.memory)
        what = N_("Requests to {name} are set to go to {dials}: somebody changed it. Ask them, then retry.")
        return Failed(phrase(what, **fields))


def _controls(attempt: Attempt) -> Sequence[Endpoint]:
    return shuffled([Endpoint(region) for region in CONTROL_REGIONS], attempt)


def _dials(aws: Aws, params: Routes) -> dict[str, bool]:
    """Whether requests go there, by region."""
    control = aws.client("s3control")
    found = control.get_multi_region_access_point_routes(AccountId=params.account, Mrap=params.access_point)
    return {one["Region"]: one["TrafficDialPercentage"] > 0 for one in found["Routes"]}


def _submit(params: Routes) -> Call:
    """The same call at any of the regions, so it names none."""
    updates = [
        {"Region": region, "TrafficDialPercentage": 100 if on else 0} for region, on in sorted(params.wanted.items())
    ]
    parameters = {"AccountId": params.account, "Mrap": params.access_point, "RouteUpdates": updates}
    return Call("s3control", "SubmitMultiRegionAccessPointRoutes", parameters)


def _stands(params: Routes, dials: Mapping[str, bool]) -> bool:
    return all(dials.get(region) == on for region, on in params.wanted.items())


def _impossible(params: Routes, dials: Mapping[str, bool]) -> Phrase | None:
    """AWS would refuse it: a region that is none of its own, or requests that would go nowhere."""
    if unknown := sorted(params.wanted.keys() - dials.keys()):
        what = N_("{name} is not in {regions}, only in {known}. Correct the step.")
        fields = {"regions": ", ".join(unknown), "known": ", ".join(sorted(dials))}
        return phrase(what, name=params.name, **fields)
    if not any({**dials, **params.wanted}.values()):
        what = N_(
            "Requests to {name} would go nowhere: at least one region must stay on. Name the one that takes over."
        )
        return phrase(what, name=params.name)
    return None


def _silence(silence: Silence, attempt: Attempt, *, more: bool) -> Progress:
    """Ask on; when all were asked, all of them again in a moment."""
    asked_all = len(silence.silent) >= len(CONTROL_REGIONS)
    if asked_all and attempt.now - attempt.started_at > 2 * _PATIENCE:
        what = N_("None of S3's failover controls answers: {silent}. Retry, or point the service at the other bucket.")
        return Failed(phrase(what, silent=told(silence.silent)), "unavailable")
    note = phrase(N_("S3's failover controls that do not answer: {silent}"), silent=told(silence.silent))
    silent = {} if asked_all else dict(silence.silent)
    return Working(note, next_look(attempt) if asked_all else _AT_ONCE, {**attempt.memory, "silent": silent}, more=more)


def _done(params: Routes, dials: Mapping[str, bool], before: Mapping[str, bool]) -> Done:
    note = phrase(N_("Requests to {name} go to: {dials}."), name=params.name, dials=_shown(dials))
    return Done(note, _was(params, before))


def _was(params: Routes, before: Mapping[str, bool]) -> dict[str, list[str]]:
    """What the undo sets, of the regions that this step is about."""
    if not before:
        return {}
    about = {region: before[region] for region in params.wanted}
    return {
        name: sorted(r for r, its in about.items() if its == on) for name, on in (("was_on", True), ("was_off", False))
    }


def _warnings(silent: Mapping[str, str]) -> tuple[Phrase, ...]:
    said = [phrase(N_("What was not replicated yet to the other bucket is not found there: look at its backlog."))]
    if silent:
        said.append(phrase(N_("S3's failover controls that do not answer: {silent}"), silent=told(silent)))
    return tuple(said)


def _shown(dials: Mapping[str, bool]) -> str:
    """`us-east-1 0 %, us-west-2 100 %`."""
    return ", ".join(f"{region} {_word(on)}" for region, on in sorted(dials.items()))


def _word(on: bool | None) -> str | None:
    return None if on is None else "100 %" if on else "0 %"
