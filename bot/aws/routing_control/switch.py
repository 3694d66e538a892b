"""`routing_control.switch`: several routing controls On and Off in one call that is done as a whole or not at all.

What is sent is a value, not a change: sending it again, also to another endpoint, has no second effect. What was before is
read and stored first, so that it can be taken back. A safety rule that refuses is shown and obeyed; to override it is an
action of its own, which asks a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.routing_control.endpoints import KNOWN, endpoints_for
from bot.aws.routing_control.states import CONTROLS, READ, Rules, States, shown, states_at
from bot.aws.several import Answered, At, Endpoint, Silence, first_answer, told
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Asks,
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Progress,
    StepPlan,
    Working,
    action,
)

_CHANGE = "route53-recovery-cluster:UpdateRoutingControlStates"
_OUTPUTS = {"was_on": "list", "was_off": "list", "through": "str"}
_AT_ONCE = timedelta()
#: A safety rule lets nothing through for 5 s (by default) after a change, such as the one that an undo takes back.
_WAIT_PERIOD = timedelta(seconds=6)
#: So long we go on asking when no endpoint answers; then a person should choose another way.
_PATIENCE = timedelta(minutes=2)
#: What was noted longer ago is told of: AWS may have given the cluster other endpoints.
_FRESH = timedelta(days=2)


class Overriding(States):
    """`rules`: the ARNs of the safety rules that are not obeyed."""

    rules: Annotated[Rules, Field(min_length=1)]


@action(
    "routing_control.switch",
    States,
    permissions=(READ, _CHANGE),
    calls=(READ, _CHANGE),
    resources={READ: CONTROLS, _CHANGE: CONTROLS},
    plane="data",
    changes=N_("Sets all of the routing controls at once: the regions that are On get traffic, the others none."),
    undo=N_("Sets the routing controls as they were before."),
    undone_by="routing_control.switch",
    recognised_by=N_("The routing controls are set so already; a value that is set again changes nothing."),
    outputs=_OUTPUTS,
    recalls=(KNOWN,),
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=2)),
    takes=timedelta(seconds=10),
)
class Switch:
    facts: ClassVar[Facts]

    def plan(self, params: States, aws: Aws, attempt: Attempt) -> StepPlan:
        return _plan(params, aws, attempt, ())

    def act(self, params: States, aws: Aws, attempt: Attempt) -> Progress:
        return _act(params, aws, attempt, ())

    def look(self, params: States, aws: Aws, attempt: Attempt) -> Progress:
        return _look(params, aws, attempt)


@action(
    "routing_control.override",
    Overriding,
    permissions=(READ, _CHANGE),
    calls=(READ, _CHANGE),
    resources={READ: CONTROLS, _CHANGE: CONTROLS},
    plane="data",
    changes=N_("Sets all of the routing controls at once, against the safety rules that are named; a person is asked."),
    undo=N_("Sets the routing controls as they were before."),
    undone_by="routing_control.switch",
    recognised_by=N_("The routing controls are set so already; a value that is set again changes nothing."),
    outputs=_OUTPUTS,
    recalls=(KNOWN,),
    takes=timedelta(minutes=1),
)
class Override:
    facts: ClassVar[Facts]

    def plan(self, params: Overriding, aws: Aws, attempt: Attempt) -> StepPlan:
        return _plan(params, aws, attempt, params.rules)

    def act(self, params: Overriding, aws: Aws, attempt: Attempt) -> Progress:
        if attempt.answer == "no":
            return Failed(phrase(N_("The safety rules are not overridden; nothing was changed.")))
        if attempt.answer is None and "before" not in attempt.memory:
            what = N_(
                "Override {number} safety rules ({rules}) to set {states}? They are there to keep traffic from going nowhere."
            )
            said = {"number": len(params.rules), "rules": ", ".join(params.rules)}
            return Asks(phrase(what, states=shown(params, params.wanted), **said))
        return _act(params, aws, attempt, params.rules)

    def look(self, params: Overriding, aws: Aws, attempt: Attempt) -> Progress:
        return _look(params, aws, attempt)


def _plan(params: States, aws: Aws, attempt: Attempt, rules: Sequence[str]) -> StepPlan:
    endpoints = endpoints_for(params.cluster, params.endpoints, attempt)
    answer = first_answer(aws, endpoints, {}, lambda at: states_at(at, params.wanted))
    touches = tuple(f"routing-control:{arn}" for arn in sorted(params.wanted))
    if isinstance(answer, Answered) and answer.found == params.wanted:
        said = phrase(N_("It is so already: {states}."), states=shown(params, params.wanted))
        return StepPlan(warnings=(said,), touches=touches, foreseen=_was(answer.found))
    before = answer.found if isinstance(answer, Answered) else {}
    what = N_("Routing control {name}")
    changes = tuple(
        Change(phrase(what, name=params.name_of(arn)), _word(before.get(arn)), _word(on))
        for arn, on in params.wanted.items()
        if before.get(arn) != on
    )
    return StepPlan(
        calls=(_update(params, rules),),
        changes=changes,
        warnings=_warnings(params, attempt, endpoints, answer, rules),
        disturbs=(
            phrase(N_("Clients follow when their DNS answer runs out and they connect again: a minute or more.")),
        ),
        touches=touches,
        foreseen=_was(before),
    )


def _act(params: States, aws: Aws, attempt: Attempt, rules: Sequence[str]) -> Progress:
    """First what is there now, which the undo needs; then the change, at the first endpoint that takes it."""
    endpoints = endpoints_for(params.cluster, params.endpoints, attempt)
    silent: Mapping[str, str] = attempt.memory.get("silent", {})
    if "before" not in attempt.memory:
        seen = first_answer(aws, endpoints, silent, lambda at: states_at(at, params.wanted))
        if isinstance(seen, Silence):
            return _silence(endpoints, seen, attempt, more=True)
        if seen.found == params.wanted:
            # An earlier attempt may have done it: then nobody knows any more what was before.
            before = {"before": seen.found} if attempt.number == 1 else {}
            return _done(params, seen.endpoint, before, N_("It was so already: {states}."))
        note = phrase(N_("It is now so: {states}"), states=shown(params, seen.found))
        return Working(note, _AT_ONCE, {"before": seen.found, "silent": dict(seen.silent)}, more=True)
    try:
        sent = first_answer(aws, endpoints, silent, lambda at: _sent(at, params, rules))
    except ActionFailed as error:
        return _refused(error, params, attempt)
    if isinstance(sent, Silence):
        return _silence(endpoints, sent, attempt, more=True)
    note = phrase(N_("{region} took it; another endpoint is asked"), region=sent.endpoint.region)
    memory = {**attempt.memory, "through": sent.endpoint.region, "silent": dict(sent.silent)}
    return Working(note, _AT_ONCE, memory)


def _look(params: States, aws: Aws, attempt: Attempt) -> Progress:
    """Ask another endpoint than the one that took it; only where none answers, that one itself."""
    endpoints = endpoints_for(params.cluster, params.endpoints, attempt)
    through = attempt.memory.get("through")
    others = [one for one in endpoints if one.region != through]
    seen = first_answer(aws, others, attempt.memory.get("silent", {}), lambda at: states_at(at, params.wanted))
    if isinstance(seen, Silence) and len(seen.silent) >= len(others):
        seen = first_answer(aws, endpoints, seen.silent, lambda at: states_at(at, params.wanted))
    if isinstance(seen, Silence):
        return _silence(endpoints, seen, attempt, more=False)
    if seen.found == params.wanted:
        said = N_("{region}, which took it, says so: {states}. No other endpoint answers.")
        other = N_("{region} says so too: {states}.")
        return _done(params, seen.endpoint, attempt.memory, said if seen.endpoint.region == through else other)
    fields = {"region": seen.endpoint.region, "states": shown(params, seen.found)}
    if attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("{region} still says: {states}"), **fields)
        return Working(note, next_look(attempt), {**attempt.memory, "silent": dict(seen.silent)})
    what = N_(
        "The routing controls are set otherwise ({region}: {states}): somebody changed them. Ask them, then retry."
    )
    return Failed(phrase(what, **fields))


def _sent(at: At, params: States, rules: Sequence[str]) -> None:
    """A rule refuses everything for some seconds after a change: then ours was done, and only its answer was lost."""
    try:
        perform(at, _update(params, rules))
    except ActionFailed as error:
        if error.code != "ValidationException" or states_at(at, params.wanted) != params.wanted:
            raise


def _update(params: States, rules: Sequence[str]) -> Call:
    """The same call at any endpoint, so it names no region."""
    entries = [
        {"RoutingControlArn": arn, "RoutingControlState": _word(on)} for arn, on in sorted(params.wanted.items())
    ]
    parameters = {"UpdateRoutingControlStateEntries": entries}
    overridden = {"SafetyRulesToOverride": list(rules)} if rules else {}
    return Call("route53-recovery-cluster", "UpdateRoutingControlStates", parameters | overridden)


def _refused(error: ActionFailed, params: States, attempt: Attempt) -> Progress:
    if error.code == "ConflictException":
        note = phrase(N_("Somebody else's update of these routing controls is under way; trying again"))
        return Working(note, next_look(attempt), attempt.memory, more=True)
    if error.code != "ValidationException":
        raise error
    since = datetime.fromisoformat(attempt.memory.get("refused_at", attempt.now.isoformat()))
    if attempt.now - since < _WAIT_PERIOD:
        note = phrase(
            N_("ARC refuses the update, perhaps because of the change just before: {reason}"), reason=error.phrase
        )
        return Working(note, next_look(attempt), {**attempt.memory, "refused_at": since.isoformat()}, more=True)
    what = N_(
        "ARC refuses to set {states}: {reason} Nothing was changed. If a safety rule is in the way, leave one of the regions "
        "on, or have a person override the rule (routing_control.override)."
    )
    return Failed(phrase(what, reason=error.phrase, states=shown(params, params.wanted)))


def _silence(endpoints: Sequence[Endpoint], silence: Silence, attempt: Attempt, *, more: bool) -> Progress:
    """Ask on: those that are left at once, and when all were asked, all of them again in a moment."""
    fields = {"number": len(silence.silent), "all": len(endpoints), "silent": told(silence.silent)}
    if len(silence.silent) < len(endpoints):
        note = phrase(N_("{number} of {all} endpoints do not answer: {silent}"), **fields)
        return Working(note, _AT_ONCE, {**attempt.memory, "silent": dict(silence.silent)}, more=more)
    if attempt.now - attempt.started_at > _PATIENCE:
        what = N_(
            "None of the {all} endpoints answers: {silent}. Retry, or move the traffic another way, such as "
            "health_check.flip."
        )
        return Failed(phrase(what, **fields), "unavailable")
    note = phrase(N_("None of the {all} endpoints answers: {silent}; trying again"), **fields)
    return Working(note, next_look(attempt), {**attempt.memory, "silent": {}}, more=more)


def _done(params: States, endpoint: Endpoint, memory: Mapping[str, Any], said: str) -> Done:
    note = phrase(said, region=endpoint.region, states=shown(params, params.wanted))
    through = {"through": memory.get("through", endpoint.region)}
    return Done(note, {**_was(memory.get("before", {})), **through})


def _was(before: Mapping[str, bool]) -> dict[str, list[str]]:
    """What the undo sets."""
    if not before:
        return {}
    return {
        name: sorted(arn for arn, its in before.items() if its == on)
        for name, on in (("was_on", True), ("was_off", False))
    }


def _word(on: bool | None) -> str | None:
    return None if on is None else "On" if on else "Off"


def _warnings(
    params: States,
    attempt: Attempt,
    endpoints: Sequence[Endpoint],
    answer: Answered[dict[str, bool]] | Silence,
    rules: Sequence[str],
) -> tuple[Phrase, ...]:
    what = N_("The first of these endpoints that answers gets the call: {regions}.")
    said = [phrase(what, regions=", ".join(one.region for one in endpoints))]
    if answer.silent:
        said.append(phrase(N_("Endpoints that do not answer now: {silent}."), silent=told(answer.silent)))
    memo = attempt.known.get(f"{KNOWN}{params.cluster}")
    if memo and not params.endpoints and attempt.now - memo.seen_at > _FRESH:
        said.append(phrase(N_("Where the endpoints are was last seen at {at}."), at=memo.seen_at))
    if rules:
        said.append(phrase(N_("Safety rules that are not obeyed: {rules}."), rules=", ".join(rules)))
    return tuple(said)
