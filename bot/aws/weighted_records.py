"""`weighted_records.shift`: other weights for the records of a name. The last resort of a failover, and fine for a failback.

Changing a record is a call to Route 53's control plane, which is in us-east-1 for the whole world: in December 2021 it was
down for seven hours, while Route 53 went on answering. So it breaks glass in a failover. In a failback it moves traffic
little by little: 5, 50, 100.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from bot.aws.calls import perform
from bot.aws.polling import next_look
from bot.aws.tokens import comment_of
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
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)
from escalation.errors import BadValue

_CHANGE = "route53:ChangeResourceRecordSets"
_DOES = (_CHANGE, "route53:GetChange", "route53:ListResourceRecordSets")
#: Seconds; with a longer one a failover is a fiction.
_TTL = 60
#: It takes a minute; when it has not happened by then, Route 53's control plane has a bad day.
_PATIENCE = timedelta(minutes=10)
_WEIGHT = re.compile(r"(?P<name>.{1,128})=(?P<weight>\d{1,3})")
_LARGEST = 255

Record = Mapping[str, Any]  # as ListResourceRecordSets shows it


class Weights(Params):
    """`weights`: as `us-west-2=100`, by the records' set identifiers. `zone`: the hosted zone's id."""

    zone: Annotated[str, StringConstraints(pattern=r"^(/hostedzone/)?[A-Z0-9]{1,32}$")]
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*-]+$", max_length=255)]
    type: Annotated[str, StringConstraints(pattern=r"^(A|AAAA|CNAME)$")] = "A"
    weights: Annotated[tuple[str, ...], InputType("list"), Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _are_weights(self) -> Self:
        for one in self.weights:
            found = _WEIGHT.fullmatch(one)
            if found is None or int(found["weight"]) > _LARGEST:
                what = phrase(N_("{one} is not a name and a weight from 0 to 255."), one=one)
                raise BadValue(what, phrase(N_("Write us-west-2=100 for each.")))
        return self

    @property
    def wanted(self) -> Mapping[str, int]:
        pairs = (one.rpartition("=") for one in self.weights)
        return {name: int(weight) for name, _, weight in pairs}

    @property
    def full_name(self) -> str:
        return self.name.lower().rstrip(".") + "."


@action(
    "weighted_records.shift",
    Weights,
    permissions=_DOES,
    calls=_DOES,
    resources={_CHANGE: ("arn:{partition}:route53:::hostedzone/*",)},
    plane="global-control",
    changes=N_("Gives the records of the name other weights, all in one change."),
    undo=N_("Gives them the weights from before."),
    undone_by="weighted_records.shift",
    recognised_by=N_("The records have these weights already; weights that are set again change nothing."),
    outputs={"before": "list"},
    recovers=Figures(rpo=timedelta(), rto=None),
    takes=timedelta(minutes=1),
)
class Shift:
    facts: ClassVar[Facts]

    def plan(self, params: Weights, aws: Aws, attempt: Attempt) -> StepPlan:
        records, touches = _records(aws, params), (f"route53:{params.zone}:{params.full_name}",)
        if problem := _unfit(params, records):
            return StepPlan(warnings=(problem,), touches=touches)
        before = _weights(records)
        if _stands(params, before):
            said = phrase(N_("The weights of {name} are so already."), name=params.name)
            return StepPlan(warnings=(said,), touches=touches, foreseen={"before": _written(params, before)})
        what = N_("Weight of {record} of {name}")
        return StepPlan(
            calls=(_call(params, records, attempt),),
            changes=tuple(
                Change(phrase(what, record=one, name=params.name), str(before[one]), str(weight))
                for one, weight in params.wanted.items()
                if before[one] != weight
            ),
            warnings=_warnings(params, records),
            disturbs=(phrase(N_("New clients of {name} are spread by the new weights."), name=params.name),),
            touches=touches,
            foreseen={"before": _written(params, before)},
        )

    def act(self, params: Weights, aws: Aws, attempt: Attempt) -> Progress:
        """First what is there now, which the undo needs; the records go back as they are, but for their weights."""
        records = _records(aws, params)
        if problem := _unfit(params, records):
            return Failed(problem)
        before = _weights(records)
        if "before" not in attempt.memory:
            if _stands(params, before):
                # An earlier attempt may have done it: then nobody knows any more what was before.
                return _done(params, before, _written(params, before) if attempt.number == 1 else None)
            note = phrase(N_("Weights of {name} now: {weights}"), name=params.name, weights=_shown(before))
            return Working(note, timedelta(), {"before": _written(params, before)}, more=True)
        made = perform(aws, _call(params, records, attempt))["ChangeInfo"]
        note = phrase(N_("Route 53 has accepted change {change}"), change=made["Id"])
        return Working(note, next_look(attempt), {**attempt.memory, "change": made["Id"]})

    def look(self, params: Weights, aws: Aws, attempt: Attempt) -> Progress:
        change = str(attempt.memory.get("change", ""))
        status = _status(aws, change)
        fields = {"name": params.name, "change": change}
        if status == "INSYNC":
            return self._carried_out(params, aws, attempt)
        if attempt.now - attempt.started_at > _PATIENCE:
            what = N_(
                "Route 53 has not carried out change {change} of {name}: its control plane may be down. Move the traffic "
                "another way, such as routing_control.switch or health_check.flip, or retry."
            )
            return Failed(phrase(what, **fields), "unavailable")
        if status is None:
            note = phrase(N_("Route 53 has lost change {change} of {name}; it is sent again"), **fields)
            return Working(note, next_look(attempt), {"before": attempt.memory.get("before")}, more=True)
        note = phrase(N_("Change {change} of {name} is on its way to Route 53's servers"), **fields)
        return Working(note, next_look(attempt), attempt.memory)

    def _carried_out(self, params: Weights, aws: Aws, attempt: Attempt) -> Progress:
        now = _weights(_records(aws, params))
        if _stands(params, now):
            return _done(params, now, attempt.memory.get("before"))
        what = N_("The weights of {name} are others again ({weights}): somebody changed them. Ask them, then retry.")
        return Failed(phrase(what, name=params.name, weights=_shown(now)))


def _records(aws: Aws, params: Weights) -> list[Record]:
    """Those of the name and the type. Raises `ActionFailed`."""
    route53 = aws.client("route53")
    found: list[Record] = []
    page: dict[str, str] = {"StartRecordName": params.full_name, "StartRecordType": params.type}
    while page:
        answer = route53.list_resource_record_sets(HostedZoneId=params.zone, **page)
        found += [one for one in answer["ResourceRecordSets"] if _is_meant(params, one)]
        names = ("Name", "Type", "Identifier")
        page = {f"StartRecord{one}": answer[f"NextRecord{one}"] for one in names if answer.get(f"NextRecord{one}")}
        if not answer["IsTruncated"] or page["StartRecordName"] != params.full_name:
            break
    return found


def _is_meant(params: Weights, record: Record) -> bool:
    return bool(record["Name"].replace("\\052", "*") == params.full_name and record["Type"] == params.type)


def _call(params: Weights, records: Sequence[Record], attempt: Attempt) -> Call:
    """UPSERT replaces a record as a whole: everything of it is sent again."""
    changes = [
        {"Action": "UPSERT", "ResourceRecordSet": {**one, "Weight": params.wanted[one["SetIdentifier"]]}}
        for one in records
        if one["SetIdentifier"] in params.wanted
    ]
    batch = {"Comment": comment_of(attempt), "Changes": changes}
    return Call("route53", "ChangeResourceRecordSets", {"HostedZoneId": params.zone, "ChangeBatch": batch})


def _status(aws: Aws, change: str) -> str | None:
    """PENDING or INSYNC; None: Route 53 knows nothing of it, because its control plane came back from an older state."""
    try:
        return str(aws.client("route53").get_change(Id=change)["ChangeInfo"]["Status"])
    except ActionFailed as error:
        if error.code == "NoSuchChange":
            return None
        raise


def _weights(records: Sequence[Record]) -> dict[str, int]:
    return {one["SetIdentifier"]: int(one["Weight"]) for one in records if "Weight" in one}


def _stands(params: Weights, weights: Mapping[str, int]) -> bool:
    return all(weights.get(one) == weight for one, weight in params.wanted.items())


def _unfit(params: Weights, records: Sequence[Record]) -> Phrase | None:
    weights = _weights(records)
    fields = {"name": params.name, "type": params.type, "known": ", ".join(weights) or "-"}
    if unknown := [one for one in params.wanted if one not in weights]:
        what = N_("{name} ({type}) has no weighted record {unknown}. Known: {known}. Correct the step's parameters.")
        return phrase(what, unknown=", ".join(unknown), **fields)
    if not any({**weights, **params.wanted}.values()):
        what = N_("All weights of {name} would be 0, which Route 53 takes for all the same. Give one of them a weight.")
        return phrase(what, **fields)
    return None


def _warnings(params: Weights, records: Sequence[Record]) -> tuple[Phrase, ...]:
    what = N_(
        "This is Route 53's control plane, in us-east-1 for the whole world: in a failover, use it when nothing else works."
    )
    said = [phrase(what)]
    ttl = max((int(one.get("TTL", 0)) for one in records), default=0)
    if ttl > _TTL:
        what = N_(
            "DNS servers keep the old answer of {name} for up to {ttl} s (its TTL; {most} is the most for a failover)."
        )
        said.append(phrase(what, name=params.name, ttl=ttl, most=_TTL))
    blind = [
        one["SetIdentifier"] for one in records if not one.get("AliasTarget", {}).get("EvaluateTargetHealth", True)
    ]
    if blind:
        what = N_("Route 53 answers with {records} whether it is healthy or not (EvaluateTargetHealth is off).")
        said.append(phrase(what, records=", ".join(blind)))
    return tuple(said)


def _done(params: Weights, weights: Mapping[str, int], before: Any) -> Done:
    note = phrase(N_("Weights of {name}: {weights}."), name=params.name, weights=_shown(weights))
    return Done(note, {"before": before} if before else {})


def _written(params: Weights, weights: Mapping[str, int]) -> list[str]:
    """As the parameter takes them."""
    return [f"{one}={weights[one]}" for one in params.wanted]


def _shown(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{one} {weight}" for one, weight in weights.items())
