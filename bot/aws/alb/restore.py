"""`alb.restore_actions`: exactly what a listener, or a rule of it, did before."""

import json
from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints, model_validator

from bot.aws.alb.rules import (
    CHANGES,
    RULE_READS,
    SCOPES,
    Rule,
    actions_of,
    calls,
    group_of,
    not_written,
    short,
    touches,
    write,
)
from bot.aws.calls import perform
from bot.aws.listener_actions import Actions, described, has_all, page_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Change, Done, Facts, Failed, Progress, StepPlan, action
from escalation.errors import BadValue


class Before(Rule):
    """`actions`: what was written down before. `shifted_to`: the target group, or `page`: the page, that there is instead now."""

    actions: Annotated[str, StringConstraints(min_length=2, max_length=50_000)]
    shifted_to: Annotated[str, StringConstraints(max_length=1024)] = ""
    page: Annotated[str, StringConstraints(max_length=1024)] = ""

    @model_validator(mode="after")
    def _says_what_is_there_now(self) -> Self:
        if not self.shifted_to and not self.page:
            what = phrase(N_("does not say what is there now, so that somebody else's change would be undone."))
            raise BadValue(what, phrase(N_("Give `shifted_to` or `page`, as the step before gave it.")))
        return self


@action(
    "alb.restore_actions",
    Before,
    permissions=(*RULE_READS, "elasticloadbalancing:DescribeTargetGroups", *CHANGES),
    calls=calls((*RULE_READS, "elasticloadbalancing:DescribeTargetGroups", *CHANGES)),
    resources=SCOPES,
    plane="control",
    changes=N_("Writes the actions of the listener or rule as they were."),
    undo=N_("Shifts the traffic again."),
    undone_by="alb.shift_target_group",
    recognised_by=N_("The actions are what they were already."),
    takes=timedelta(seconds=10),
)
class RestoreActions:
    facts: ClassVar[Facts]

    def plan(self, params: Before, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        actions, touched = actions_of(aws, params.rule), touches(aws, params)
        before: Actions = json.loads(params.actions)
        if problem := _not_restorable(params, aws, actions):
            return StepPlan(warnings=(problem,), touches=touched)
        if actions == before:
            return StepPlan(touches=touched)
        what = phrase(N_("Weights of the target groups of {rule}"), rule=short(params.rule))
        return StepPlan(
            calls=(write(params, before),),
            changes=(Change(what, described(actions), described(before)),),
            disturbs=(phrase(N_("New requests go where they went before; open ones end where they are.")),),
            touches=touched,
        )

    def act(self, params: Before, aws: Aws, attempt: Attempt) -> Progress:
        actions = actions_of(aws, params.rule)
        if problem := _not_restorable(params, aws, actions):
            return Failed(problem)
        if actions != json.loads(params.actions):
            perform(aws, write(params, json.loads(params.actions)))
        return self.look(params, aws, attempt)

    def look(self, params: Before, aws: Aws, attempt: Attempt) -> Progress:
        actions = actions_of(aws, params.rule)
        if actions == json.loads(params.actions):
            return Done(
                phrase(N_("{rule} forwards as it did: {weights}"), rule=short(params.rule), weights=described(actions))
            )
        return not_written(params, actions, attempt)


def _not_restorable(params: Before, aws: Aws, actions: Actions) -> Phrase | None:
    """Somebody has changed it since: what was there before is then not what is wanted."""
    if actions == json.loads(params.actions) or (params.page and page_of(actions) == params.page):
        return None
    if params.shifted_to and has_all(actions, group_of(aws, params.shifted_to)):
        return None
    what = N_("Somebody has changed {rule} since ({weights}), so it stays. Look at it, and change it by hand.")
    return phrase(what, rule=short(params.rule), weights=described(actions))
