"""`aws.call`: any operation of AWS, for what no action of its own exists yet. Checked against botocore's models by lint.

Nobody can know of an arbitrary call how it is recognised as done. So it is sent once, and when its answer was lost (the
process died, AWS did not answer in time) a person is asked, who can look. Where AWS takes a client token, one made of the
attempt is sent along, so that a second sending of the same attempt has no second effect.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import ConfigDict, Field

from bot.aws import call_faults, models
from bot.aws.calls import perform
from bot.aws.expressions import search, type_of, why_bad
from bot.aws.failures import UNREACHABLE
from bot.aws.planes import plane
from bot.aws.polling import next_look
from bot.aws.session import READS
from bot.errors import N_, ActionFailed, phrase
from bot.playbook import action as contract
from bot.playbook.action import (
    Asks,
    Attempt,
    Aws,
    Done,
    Facts,
    Failed,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)  # fmt: skip

Expression = Annotated[str, Field(min_length=1, max_length=2_000)]


class Poll(Params):
    """How it is looked at until it is over. `from`: parameters out of the call's own answer, such as the id of a job."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)  # a run stores it by its field's name

    operation: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    taken: Mapping[str, Expression] = Field(default_factory=dict, alias="from")


class AnyCall(Params):
    """`service` is boto3's name (`elbv2`), `operation` AWS's (`DescribeLoadBalancers`). The rest is JMESPath.

    `until`: over when it is true of what `poll` answers; without `poll`, of the answer itself, which is asked for again
    when the operation only reads. `fails`: failed as soon as it is true; `succeeds`: must be true at the end. `output`
    becomes the output `result`. `touches`: what no other run may change meanwhile, such as `rds:us-east-1:orders`.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    region: Annotated[str, InputType("region")] | None = None
    poll: Poll | None = None
    until: Expression | None = None
    succeeds: Expression | None = None
    fails: Expression | None = None
    output: Expression | None = None
    touches: tuple[str, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether the operation changes nothing, so that it may be sent as often as one likes."""
        return bool(READS.match(self.operation))


def _narrow(facts: Facts, given: Mapping[str, Any]) -> Facts:
    """What this very call needs and depends on. One that only reads is a check in all but name: nothing to take back."""
    service, operation, poll = given.get("service"), given.get("operation"), given.get("poll")
    if not isinstance(service, str) or not isinstance(operation, str):
        return facts
    looks = poll.get("operation") if isinstance(poll, Mapping) else None
    operations = (operation, looks) if isinstance(looks, str) else (operation,)
    found = plane(service, operation)
    reads = bool(READS.match(operation))
    return Facts(
        name=facts.name, kind="check" if reads else "action", params=facts.params, plane=found,
        permissions=tuple(sorted({models.permission(service, one) for one in operations})),
        calls=tuple(sorted({f"{service}:{one}" for one in operations})),
        outputs=_outputs(service, operations[-1], given.get("output")),
        changes=facts.changes, undo=facts.undo, recognised_by=facts.recognised_by,
        looks_up=reads and found != "data", faults=facts.faults,
    )  # fmt: skip


def _outputs(service: str, looked_at: str, output: object) -> Mapping[str, str]:
    """`result` with the type that its expression finds, "" when only the answer will tell."""
    if not isinstance(output, str):
        return {}
    model = models.operation_model(service, looked_at)
    return {"result": type_of(output, model.output_shape) if model and not why_bad(output) else ""}


@action(
    "aws.call",
    AnyCall,
    permissions=(),  # those of the call: `given` tells
    plane="control",
    changes=N_("Whatever the operation of AWS changes."),
    undo=N_(
        "Nobody knows how an arbitrary call is taken back: name an undo, or say in irreversible why there is none."
    ),
    recognised_by=N_("It is not: when the answer of a call was lost, a person is asked whether it was done."),
    outputs={"result": "str"},
    faults=call_faults.faults,
    narrow=_narrow,
)
class Call:
    facts: ClassVar[Facts]

    def plan(self, params: AnyCall, aws: Aws, attempt: Attempt) -> StepPlan:
        call = _call(params, attempt)
        if problems := models.problems_of(call):
            raise ActionFailed(problems[0])
        region = params.region or aws.region
        unwatched = phrase(N_("What it does to other things, Lifeboat cannot know: read the call."))
        touches = params.touches or (f"{params.service}:{region}:{params.operation}",)
        return StepPlan(
            calls=(call,), warnings=() if params.reads else (unwatched,), touches=() if params.reads else touches
        )

    def act(self, params: AnyCall, aws: Aws, attempt: Attempt) -> Progress:
        if not params.reads:
            if attempt.answer == "yes":
                return self._adopted(params, aws, attempt)
            if attempt.again and attempt.answer is None:
                return _was_it_done(params)
        try:
            answer = perform(aws, _call(params, attempt))
        except ActionFailed as error:
            if params.reads or _surely_not_done(error):
                raise
            return _was_it_done(params)
        if params.poll is None:
            return _judge(params, attempt, answer)
        return self._look(params, aws, attempt, _taken(params.poll, answer))

    def look(self, params: AnyCall, aws: Aws, attempt: Attempt) -> Progress:
        return self._look(params, aws, attempt, dict(attempt.memory.get("taken", {})))

    def _look(self, params: AnyCall, aws: Aws, attempt: Attempt, taken: Mapping[str, Any]) -> Progress:
        """Ask again what `poll` asks, or the reading operation itself."""
        poll = params.poll
        operation, parameters = (
            (poll.operation, {**poll.parameters, **taken}) if poll else (params.operation, params.parameters)
        )
        try:
            answer = perform(aws, contract.Call(params.service, operation, parameters, params.region or ""))
        except ActionFailed as error:
            if not error.retry:
                raise
            note = phrase(N_("The call was sent; asking how it stands did not work: {why}"), why=error.phrase)
            return Working(note, again_in=next_look(attempt), memory={"taken": taken})
        return _judge(params, attempt, answer, taken)

    def _adopted(self, params: AnyCall, aws: Aws, attempt: Attempt) -> Progress:
        """A person has looked and says that it was done."""
        if params.poll is None:
            return Done(phrase(N_("{operation} was done; a person has looked."), operation=params.operation))
        if params.poll.taken:
            what = N_(
                "{operation} was done, but its answer was lost, and {names} with it. Look in AWS how it ended, then skip "
                "the step."
            )
            return Failed(phrase(what, operation=params.operation, names=", ".join(params.poll.taken)))
        return self._look(params, aws, attempt, {})


def _call(params: AnyCall, attempt: Attempt) -> contract.Call:
    """The call, with a token that is the same for the same attempt where AWS takes one and the playbook gives none."""
    token = str(uuid5(NAMESPACE_URL, attempt.token))
    tokens = {} if params.reads else dict.fromkeys(models.token_fields(params.service, params.operation), token)
    return contract.Call(params.service, params.operation, {**tokens, **params.parameters}, params.region or "")


def _surely_not_done(error: ActionFailed) -> bool:
    """AWS refused it, or it never arrived. After a timeout or an error on AWS's side nobody knows."""
    return not error.retry or error.code in UNREACHABLE or error.kind in {"throttled", "conflict"}


def _was_it_done(params: AnyCall) -> Asks:
    what = N_(
        "Was {service} {operation} done? It may have been sent, and its answer was lost. Look in AWS. Yes: go on from "
        "there. No: send it again."
    )
    return Asks(phrase(what, service=params.service, operation=params.operation))


def _taken(poll: Poll, answer: Any) -> dict[str, Any]:
    return {name: _plain(search(expression, answer)) for name, expression in poll.taken.items()}


def _judge(params: AnyCall, attempt: Attempt, answer: Any, taken: Mapping[str, Any] | None = None) -> Progress:
    """What the latest answer means."""
    where = {"service": params.service, "operation": params.operation}
    if params.fails and search(params.fails, answer):
        return Failed(
            phrase(N_("{service} {operation} failed: {expression} is true."), expression=params.fails, **where)
        )
    if params.until and not search(params.until, answer):
        note = phrase(N_("{service} {operation}: waiting until {expression}"), expression=params.until, **where)
        return Working(note, again_in=next_look(attempt), memory={"taken": taken or {}})
    if params.succeeds and not search(params.succeeds, answer):
        what = N_("{service} {operation} ended, and {expression} is not true. Look at it in AWS.")
        return Failed(phrase(what, expression=params.succeeds, **where))
    output = {"result": _plain(search(params.output, answer))} if params.output else {}
    return Done(phrase(N_("{service} {operation} is done."), **where), output)


def _plain(value: Any) -> Any:
    """The part of an answer as JSON values: times as ISO 8601, decimals as numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return (
        value.isoformat() if isinstance(value, datetime) else float(value) if isinstance(value, Decimal) else str(value)
    )
