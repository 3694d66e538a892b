"""What an action and a check promise: the contract between playbooks, the AWS modules, and the runs that use them.

An *action* changes AWS, a *check* only looks. Both are classes without state, one per name, collected in one table
(`bot/aws/__init__.py`). Their methods are plain blocking functions; the run calls them on the bounded boto3 pool, in
this order, and stores what each returns before the next:

    plan(params, aws, attempt)  -> StepPlan    reads only: the calls it would make, the values before and after
    act(params, aws, attempt)   -> Progress    looks first, then starts the change; safe to call again after a crash
    look(params, aws, attempt)  -> Progress    reads only: has it happened yet? called until it is no longer Working

`Asks` from either puts a question to a person (an approval inside somebody else's engine); their word comes back as
`attempt.answer` in the next call, which is `act`.

Each may raise `ActionFailed` instead; with `retry`, the run calls the same method again in a while, and that is safe
because `act` looks first. A check has `look` only. Nothing here sleeps: a wait is `Working(again_in=...)`, which
becomes a row with a due time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from bot.errors import FailureKind
from escalation.phrase import Phrase

Plane = Literal["data", "control", "global-control"]


class Params(BaseModel):
    """The parameters of an action or a check: what may stand under `with:` in a playbook."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class InputType:
    """A field's type as playbook inputs name it, where that is narrower than the Python type.

    `table: Annotated[str, InputType("dynamodb.table")]`; pydantic keeps it in `model_fields["table"].metadata`.
    """

    name: str


class Aws(Protocol):
    """Where clients come from (`bot/aws/session.py`); `region` None means the region the step acts in."""

    @property
    def region(self) -> str: ...

    def client(self, service: str, region: str | None = None, *, endpoint: str = "") -> Any:
        """A boto3 client with short timeouts. `endpoint`: the address of one of several that serve the same."""
        ...


@dataclass(frozen=True)
class Memo:
    """Something of AWS that was noted before it mattered: `value` is JSON, `seen_at` when AWS last said so."""

    value: Any
    seen_at: datetime


@dataclass(frozen=True)
class Attempt:
    """What a step knows of itself, stored before its first call (write-ahead).

    `token` is deterministic (`<run>/<step>/<attempt>`); use it, or a name made of `incident`, wherever AWS takes a
    client token. `memory` is what this attempt's earlier `act` and `look` calls returned as `memory`. `answer` is a
    person's word on the question that the last call asked (`Asks`), and given to one call only: it is spent before that
    call. `again`: an earlier `act` of this attempt was begun and its end was never recorded (the process died), so what
    it calls may have been sent. An `act` that returned (`Asks` too) or raised `ActionFailed` has ended. `known` is what
    its facts recall (`Facts.recalls`), by key: nobody must ask a failing region for it now.
    """

    incident: str
    run: str
    step: str
    number: int
    started_at: datetime
    now: datetime
    memory: Mapping[str, Any] = field(default_factory=dict)
    answer: Literal["yes", "no"] | None = None
    again: bool = False
    known: Mapping[str, Memo] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return f"{self.run}/{self.step}/{self.number}"


@dataclass(frozen=True)
class Call:
    """One API call: `dynamodb`, `RestoreTableToPointInTime` (botocore's operation name), its parameters, its region."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str = ""


@dataclass(frozen=True)
class Change:
    """One value that the step changes. `before` None: it does not exist yet."""

    what: Phrase
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Need:
    """Room that the step needs: a quota, free addresses, capacity. `available` None: AWS would not say.

    More needed than available makes the plan a refusal: a pre-check must be able to say no.
    """

    what: Phrase
    needed: float
    available: float | None


@dataclass(frozen=True)
class StepPlan:
    """What the step would do, for a person to read before it is done. `warnings`: what it risks.

    `disturbs`: who or what feels it while it runs. `touches`: the resources that no other run may change meanwhile, such
    as `ecs:us-east-1:shop/web`. `loses`: how much of the latest data would be gone. `cost`: in US dollars, once.
    `foreseen` holds outputs that are certain before the step runs, such as a deterministic name: the steps after it are
    then planned with real values instead of placeholders.
    """

    calls: tuple[Call, ...] = ()
    changes: tuple[Change, ...] = ()
    warnings: tuple[Phrase, ...] = ()
    foreseen: Mapping[str, Any] = field(default_factory=dict)
    disturbs: tuple[Phrase, ...] = ()
    touches: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    loses: timedelta | None = None
    cost: Decimal | None = None


@dataclass(frozen=True)
class Working:
    """Not finished: look again in a while. `note` is shown to people; `memory` is given to the next call.

    `more`: only a part of the change is done, as much as fits well into a lease; the next call is `act`, to go on.
    """

    note: Phrase
    again_in: timedelta = timedelta(seconds=5)
    memory: Mapping[str, Any] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True)
class Done:
    """Finished and verified. `output` is what templates see as `steps.<id>.<name>`: JSON values only.

    `until`: what was done ends by itself then, unless it is renewed (`Renewable`).
    """

    note: Phrase
    output: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True)
class Failed:
    """It did not work, or the check does not hold. `why` says what, where, and what to do."""

    why: Phrase
    kind: FailureKind = "failed"


@dataclass(frozen=True)
class Asks:
    """A person must decide before it goes on, such as an approval step of an SSM Automation document."""

    question: Phrase
    memory: Mapping[str, Any] = field(default_factory=dict)


Progress = Working | Done | Failed | Asks


@dataclass(frozen=True)
class Renewed:
    """What the step holds lasts until then, by AWS's own word. `output` replaces the outputs that this has changed."""

    until: datetime
    note: Phrase
    output: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lapsed:
    """There is nothing to renew any more, or nothing that we should. `aloud`: people must be told, not just the timeline."""

    why: Phrase
    aloud: bool = True


@dataclass(frozen=True)
class Figures:
    """What a mechanism honestly gives: data lost at most, and time to recover in the usual case (None: no promise)."""

    rpo: timedelta
    rto: timedelta | None


@dataclass(frozen=True)
class Some:
    """A value that only the run will know; `type` is the one that playbooks name, "" where nobody declares it."""

    type: str = ""


@dataclass(frozen=True)
class Fault:
    """What is wrong with the parameters of a step, at `path` below its `with`. `at_key`: the name is wrong, not the value."""

    path: tuple[str | int, ...]
    what: Phrase
    todo: Phrase | str = ""
    at_key: bool = False


class Check(Protocol):
    """Only looks; the run stops when it does not hold."""

    facts: ClassVar["Facts"]

    def look(self, params: Any, aws: Aws, attempt: Attempt) -> Progress: ...


class Action(Check, Protocol):
    """Changes AWS; see the module's docstring for the order of calls."""

    def plan(self, params: Any, aws: Aws, attempt: Attempt) -> StepPlan: ...

    def act(self, params: Any, aws: Aws, attempt: Attempt) -> Progress: ...


class Renewable(Action, Protocol):
    """What it does ends by itself (`Done.until`): while the incident is open, it is renewed before that.

    `renew` is called again after a crash, so it looks first. `attempt.memory` holds the step's outputs.
    """

    def renew(self, params: Any, aws: Aws, attempt: Attempt) -> Renewed | Lapsed: ...


@dataclass(frozen=True)
class Facts:
    """What every action and check declares. Rules over all of them are tests (`tests/rules/`).

    `permissions` are IAM actions; `changes` and `undo` are texts for people; `undone_by` names the action that undoes
    this one, None with a reason in `undo`; `recognised_by` says how a second call sees that it was already done;
    `outputs` maps each output's name to its type as playbook inputs name them (`str`, `int`, `time`, `dynamodb.table`).
    `calls` are the operations it may call, as `dynamodb:RestoreTableToPointInTime` (botocore's service and operation);
    `resources` scopes permissions: an IAM action to ARN patterns in which `{account}` and `{region}` are filled in.
    `looks_up`: it asks AWS for configuration that a regional failover must have cached. `takes`: its usual duration.
    `recalls`: how the keys begin of what it wants to be told in `Attempt.known`, as the survey notes it beforehand.
    `tells`: what a check finds while the plan is made belongs into the plan: whoever approves it reads it.

    `faults` finds what lint cannot see in `params` alone; a text that is a template is handed to it as `Some`. `narrow`
    says what is declared once the parameters are known, for an action that can do many things: see `given`.
    """

    name: str
    kind: Literal["action", "check"]
    params: type[Params]
    permissions: tuple[str, ...]
    plane: Plane
    outputs: Mapping[str, str] = field(default_factory=dict)
    changes: str = ""
    undo: str = ""
    undone_by: str | None = None
    recognised_by: str = ""
    calls: tuple[str, ...] = ()
    resources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recovers: Figures | None = None
    takes: timedelta | None = None
    looks_up: bool = False
    recalls: tuple[str, ...] = ()
    tells: bool = False
    faults: Callable[[Mapping[str, Any]], Iterable[Fault]] | None = None
    narrow: Callable[["Facts", Mapping[str, Any]], "Facts"] | None = None

    def given(self, parameters: Mapping[str, Any]) -> "Facts":
        """The facts with these parameters, as a playbook writes them: `aws.call` may be any call until then."""
        return self.narrow(self, parameters) if self.narrow else self


Class = TypeVar("Class", bound=type)


def action(
    name: str,
    params: type[Params],
    *,
    permissions: tuple[str, ...],
    plane: Plane,
    changes: str,
    undo: str,
    recognised_by: str,
    undone_by: str | None = None,
    outputs: Mapping[str, str] | None = None,
    **more: Any,
) -> Callable[[Class], Class]:
    """Attach an action's facts to its class. Texts are `N_("...")`; `more` are the further fields of `Facts`."""
    return _attach(
        Facts(
            name, "action", params, permissions, plane, outputs or {}, changes, undo, undone_by, recognised_by, **more
        )
    )


def check(
    name: str, params: type[Params], *, permissions: tuple[str, ...], outputs: Mapping[str, str] | None = None,
    **more: Any,
) -> Callable[[Class], Class]:  # fmt: skip
    """Attach a check's facts to its class. Looking is always the data plane's or a read of the control plane."""
    return _attach(Facts(name, "check", params, permissions, "data", outputs or {}, **more))


def _attach(facts: Facts) -> Callable[[Class], Class]:
    def attach(cls: Class) -> Class:
        cls.facts = facts  # type: ignore[attr-defined]  # the Protocol above states the attribute
        return cls

    return attach
