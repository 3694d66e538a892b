"""`routing_control.ready`: how many of the endpoints answer, and what they say. It only reads."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from bot.aws.routing_control.endpoints import KNOWN, endpoints_for
from bot.aws.routing_control.states import CONTROLS, READ, Cluster, Texts, shown, states_at
from bot.aws.several import Answered, Endpoint, first_answer, told
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Progress, Working, check

States = Mapping[str, bool]


class Answering(Cluster):
    """`least`: how many endpoints must answer, and say the same. They are asked for the states of `controls`."""

    controls: Annotated[Texts, Field(min_length=1)]
    least: Annotated[int, Field(ge=1, le=5)] = 3


@check(
    "routing_control.ready",
    Answering,
    permissions=(READ,),
    calls=(READ,),
    resources={READ: CONTROLS},
    outputs={"answering": "int", "on": "list", "off": "list"},
    recalls=(KNOWN,),
    takes=timedelta(seconds=5),
)
class Ready:
    """Holds when enough endpoints answer and they agree. Every one of them is asked, in as many turns as that takes."""

    facts: ClassVar[Facts]

    def look(self, params: Answering, aws: Aws, attempt: Attempt) -> Progress:
        endpoints = endpoints_for(params.cluster, params.endpoints, attempt)
        said: dict[str, States] = dict(attempt.memory.get("said", {}))
        silent: Mapping[str, str] = attempt.memory.get("silent", {})
        left = [one for one in endpoints if one.region not in said]
        answer = first_answer(aws, left, silent, lambda at: states_at(at, params.named.values()))
        if isinstance(answer, Answered):
            said[answer.endpoint.region] = answer.found
        if len(said) + len(answer.silent) == len(endpoints):
            return _judged(params, endpoints, said, answer.silent)
        note = phrase(N_("{number} of {all} endpoints have answered"), number=len(said), all=len(endpoints))
        return Working(note, again_in=timedelta(), memory={"said": said, "silent": dict(answer.silent)})


def _judged(
    params: Answering, endpoints: tuple[Endpoint, ...], said: Mapping[str, States], silent: Mapping[str, str]
) -> Progress:
    fields: dict[str, Any] = {"number": len(said), "all": len(endpoints), "silent": told(silent)}
    if len(said) < params.least:
        what = N_("Only {number} of {all} endpoints answer, and {least} must. Silent: {silent}.")
        return Failed(phrase(what, least=params.least, **fields))
    [states, *others] = {shown(params, one): one for one in said.values()}.items()
    if others:
        each = "; ".join(f"{region}: {shown(params, one)}" for region, one in sorted(said.items()))
        return Failed(phrase(N_("The endpoints do not say the same ({each}). Look again in a moment."), each=each))
    by_state = {on: [params.name_of(arn) for arn, its in states[1].items() if its == on] for on in (True, False)}
    what = N_("{number} of {all} endpoints answer: {states}. Silent: {silent}.")
    output = {"answering": len(said), "on": by_state[True], "off": by_state[False]}
    return Done(phrase(what, states=states[0] or "-", **fields), output)
