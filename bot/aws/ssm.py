"""`ssm.put_parameter`: cut a service over by the parameter that names what it uses.

SSM has no conditional write. So the value is read right before it is written, and what it was before is read back
afterwards by its version: the undo is right even if somebody else wrote in between.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

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
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

ParameterName = Annotated[str, InputType("ssm.parameter"), StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,1011}$")]
#: What IAM calls them.
PARAMETERS = ("arn:{partition}:ssm:{region}:{account}:parameter/*",)


class Pointer(Params):
    """`value`: what the parameter shall say. It must exist: a service reads it, and the undo needs its old value.

    `instead_of`: what it must say until then, or the name of a copy that was restored of it (`orders-lb-…`).
    """

    name: ParameterName
    value: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    instead_of: str | None = None


@action(
    "ssm.put_parameter",
    Pointer,
    permissions=("ssm:GetParameter", "ssm:PutParameter"),
    plane="control",
    changes=N_("Gives the parameter a new value; the old one stays as the version before."),
    undo=N_("Writes the value of the version before."),
    undone_by="ssm.put_parameter",
    recognised_by=N_("The parameter has the value already."),
    resources={"ssm:GetParameter": PARAMETERS, "ssm:PutParameter": PARAMETERS},
    outputs={"name": "ssm.parameter", "value": "str", "previous": "str", "version": "int"},
    calls=("ssm:GetParameter", "ssm:PutParameter"),
    takes=timedelta(seconds=5),
)
class PutParameter:
    facts: ClassVar[Facts]

    def plan(self, params: Pointer, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        found, touches = _read(aws, params.name), (f"ssm:{aws.region}:{params.name}",)
        if problem := _problem(params, found):
            return StepPlan(warnings=(problem,), touches=touches)
        assert found is not None
        if found["Value"] == params.value:
            said = phrase(N_("{name} has this value already."), name=params.name)
            return StepPlan(warnings=(said,), touches=touches)
        what = phrase(N_("Parameter {name}, version {version}"), name=params.name, version=found["Version"])
        return StepPlan(
            calls=(_write(params),),
            changes=(Change(what, found["Value"], params.value),),
            disturbs=(phrase(N_("Everything that reads {name} goes on with the new value."), name=params.name),),
            touches=touches,
            warnings=(
                phrase(
                    N_("Where the value says in which place data is, what was written to {old} stays there."),
                    old=found["Value"],
                ),
                phrase(
                    N_("The service uses the new value when it reads the parameter again; restart it if it does not.")
                ),
            ),
        )

    def act(self, params: Pointer, aws: Aws, attempt: Attempt) -> Progress:
        found = _read(aws, params.name)
        if problem := _problem(params, found):
            return Failed(problem)
        assert found is not None
        if found["Value"] != params.value:
            perform(aws, _write(params))
        return self.look(params, aws, attempt)

    def look(self, params: Pointer, aws: Aws, attempt: Attempt) -> Progress:
        found = _read(aws, params.name)
        if problem := _problem(params, found):
            return Failed(problem)
        assert found is not None
        if found["Value"] == params.value:
            return _done(params, aws, found)
        if attempt.now - attempt.started_at < SETTLING:
            note = phrase(N_("{name} still says {value}"), name=params.name, value=found["Value"])
            return Working(note, again_in=next_look(attempt))
        what = N_(
            "{name} says {value} (version {version}), not {wanted}: someone wrote it meanwhile. Ask them, then retry."
        )
        fields = {"name": params.name, "value": found["Value"], "version": found["Version"], "wanted": params.value}
        return Failed(phrase(what, **fields))


def _write(params: Pointer) -> Call:
    return Call("ssm", "PutParameter", {"Name": params.name, "Value": params.value, "Overwrite": True})


def _done(params: Pointer, aws: Aws, found: Mapping[str, Any]) -> Done:
    version = int(found["Version"])
    previous = _previous(params, aws, version)
    what = N_("{name} says {value} (version {version}); before: {previous}")
    note = phrase(what, name=params.name, value=params.value, version=version, previous=previous or "-")
    return Done(note, {"name": params.name, "value": params.value, "previous": previous, "version": version})


def _previous(params: Pointer, aws: Aws, version: int) -> str:
    """The newest value that is not this one; "" if none of the last ten versions has one."""
    for older in range(version - 1, max(0, version - 11), -1):
        found = _read(aws, f"{params.name}:{older}")
        if found and found["Value"] != params.value:
            return str(found["Value"])
    return ""


def _read(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """The parameter, or with `name:version` that version of it; None: there is none."""
    try:
        parameter: Mapping[str, Any] = aws.client("ssm").get_parameter(Name=name)["Parameter"]
    except ActionFailed as error:
        if error.code in {"ParameterNotFound", "ParameterVersionNotFound"}:
            return None
        raise
    return parameter


def _problem(params: Pointer, found: Mapping[str, Any] | None) -> Phrase | None:
    """Why the parameter is not a pointer that we may write; None: it is one."""
    if found is None:
        what = N_("There is no parameter {name}, so no service reads it. Correct the name, or create it first.")
        return phrase(what, name=params.name)
    if found["Type"] == "SecureString":
        what = N_(
            "{name} is a secret (SecureString); Lifeboat neither shows nor writes secrets. Use a plain parameter."
        )
        return phrase(what, name=params.name)
    if params.instead_of and found["Value"] != params.value and _source(found["Value"]) != _source(params.instead_of):
        what = N_(
            "{name} says {value}, and neither {wanted} nor a copy of it: whoever reads it uses something else. Nothing is "
            "written. Skip this step, and point the service that uses {wanted} at {new} by hand."
        )
        return phrase(what, name=params.name, value=found["Value"], wanted=params.instead_of, new=params.value)
    return None


def _source(table: str) -> str:
    """The table that a restored one is a copy of."""
    return table.partition("-lb-")[0]
