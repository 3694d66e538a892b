"""What a step becomes when its templates are filled in: its parameters, its region, its elements, whether it runs.

`outputs` holds what each step that is over gave. For a step that was left out or skipped that is an empty mapping, so
that `{{ steps.restore.table | default(table) }}` works; a step that is not over has no entry at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bot.errors import N_, Phrase, Refused, phrase
from bot.playbook.action import Params
from bot.playbook.context import Context
from bot.playbook.model import Step
from bot.playbook.template import evaluate
from escalation.refusal import refusal

Values = Mapping[str, Any]
Outputs = Mapping[str, Mapping[str, Any]]

#: More elements than this are a mistake in a template, and a plan that nobody can read.
MOST_ELEMENTS = 1_000


def variables(step: Step, context: Context, values: Values, outputs: Outputs, item: Any = None) -> dict[str, Any]:
    """Everything that the step's templates may name. `item`: the element's item, of a step with `for_each`."""
    own = {step.for_each.name: item} if step.for_each else {}
    return context.variables({**values, **own}, outputs)


def parameters(step: Step, context: Context, values: Values, outputs: Outputs, item: Any = None) -> dict[str, Any]:
    """The step's parameters when it starts. Raises `BadTemplate`."""
    return dict(evaluate(step.parameters, variables(step, context, values, outputs, item)))


def undo_parameters(
    step: Step, context: Context, values: Values, outputs: Outputs, own_outputs: Values, item: Any = None
) -> dict[str, Any]:
    """The parameters of the step's undo, in which `steps.<its own id>` is what it gave: of an element, that element.

    Raises `BadTemplate`, and `Refused` for a step that has no undo.
    """
    if step.undo is None:
        raise Refused(phrase(N_("Step {step} has no undo."), step=step.id))
    known = variables(step, context, values, {**outputs, step.id: own_outputs}, item)
    return dict(evaluate(step.undo.parameters, known))


def step_region(step: Step, context: Context, values: Values, outputs: Outputs, item: Any = None) -> str:
    """The region that the step acts in: its own, else the run's. Raises `BadTemplate`, and `Refused` for no name."""
    if step.region is None:
        return context.region
    found = evaluate(step.region, variables(step, context, values, outputs, item))
    if not isinstance(found, str) or not found.strip():
        what = N_("The region of step {step} must be a region's name, not {found}.")
        raise Refused(phrase(what, step=step.id, found=repr(found)))
    return found.strip()


def elements(step: Step, context: Context, values: Values, outputs: Outputs) -> list[Any]:
    """The items of the step's `for_each`, none for an empty list. Raises `BadTemplate`, `Refused`."""
    if step.for_each is None:
        raise Refused(phrase(N_("Step {step} has no for_each."), step=step.id))
    found = evaluate(step.for_each.items, context.variables(values, outputs))
    if not isinstance(found, list | tuple):
        what = N_("The for_each of step {step} needs a list, not {found}. Name an input or an output that is one.")
        raise Refused(phrase(what, step=step.id, found=repr(found)))
    if len(found) > MOST_ELEMENTS:
        what = N_("The for_each of step {step} has {count} elements; at most {most} can be planned. Choose fewer.")
        raise Refused(phrase(what, step=step.id, count=len(found), most=MOST_ELEMENTS))
    return list(found)


def holds(step: Step, context: Context, values: Values, outputs: Outputs) -> bool:
    """Whether the step's `when` holds; a step without one always runs. Raises `BadTemplate`, and `Refused` unless bool."""
    if step.when is None:
        return True
    found = evaluate(step.when, context.variables(values, outputs))
    if not isinstance(found, bool):
        what = N_("The condition of step {step} must be true or false, not {found}. Compare it with something.")
        raise Refused(phrase(what, step=step.id, found=repr(found)))
    return found


def bind(params: type[Params], rendered: Values, step: str) -> Params:
    """The rendered parameters as the action's own type. Raises `Refused` that names the step and each bad parameter."""
    try:
        return params.model_validate(rendered)
    except ValidationError as error:
        wrong = _each([_misfit(one) for one in error.errors(include_url=False)])
        raise Refused(
            phrase(N_("The parameters of step {step} do not fit: {wrong}"), step=step, wrong=wrong)
        ) from error


def _misfit(detail: Mapping[str, Any]) -> Phrase:
    """`expires_in: 80 h is too big: 72 h is the most.`"""
    what, todo = refusal(detail)
    text = "{field}: {what} {todo}" if todo else "{field}: {what}"
    return Phrase(text, {"field": ".".join(map(str, detail["loc"])), "what": what, "todo": todo})


def _each(phrases: Sequence[Phrase]) -> Phrase:
    """One after the other; each is translated for its reader."""
    fields = {f"wrong{number}": one for number, one in enumerate(phrases)}
    return Phrase(" ".join(f"{{{name}}}" for name in fields), fields)
