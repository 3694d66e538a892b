"""`alb.show_page`: everybody gets a page that says so, where nothing behind a listener or a rule works any more.

It is kinder than errors and time-outs, and it keeps requests away from what is being repaired.
"""

import json
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from bot.aws.alb.rules import CHANGES, RULE_READS, SCOPES, Rule, actions_of, calls, not_written, short, touches, write
from bot.aws.calls import perform
from bot.aws.listener_actions import Actions, described, page, page_of
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Call, Change, Done, Facts, Progress, StepPlan, Working, action


class Page(Rule):
    """`text`: what the page says, in HTML when it begins with `<`. `status`: 503 tells machines to come back later."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    status: Annotated[str, StringConstraints(pattern=r"^[245]\d\d$")] = "503"


@action(
    "alb.show_page",
    Page,
    permissions=(*RULE_READS, *CHANGES),
    calls=calls((*RULE_READS, *CHANGES)),
    resources=SCOPES,
    plane="control",
    changes=N_("Answers every request with a notice; nothing behind the listener or rule gets any."),
    undo=N_("Writes the actions from before."),
    undone_by="alb.restore_actions",
    recognised_by=N_("The notice is shown already."),
    outputs={"before": "str", "page": "str"},
    takes=timedelta(seconds=10),
)
class ShowPage:
    facts: ClassVar[Facts]

    def plan(self, params: Page, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        actions, touched = actions_of(aws, params.rule), touches(aws, params)
        if page_of(actions) == params.text:
            said = phrase(N_("{rule} shows this notice already."), rule=short(params.rule))
            return StepPlan(warnings=(said,), touches=touched)
        what = phrase(N_("What requests to {rule} get"), rule=short(params.rule))
        return StepPlan(
            calls=(_call(params),),
            changes=(Change(what, described(actions), f"{params.status}: {params.text}"),),
            disturbs=(
                phrase(N_("Everybody who uses {rule} gets this notice, and nothing else."), rule=short(params.rule)),
            ),
            touches=touched,
            foreseen=_output(params, actions),
        )

    def act(self, params: Page, aws: Aws, attempt: Attempt) -> Progress:
        """First what is there now, which the undo needs."""
        actions = actions_of(aws, params.rule)
        if "before" not in attempt.memory and page_of(actions) != params.text:
            note = phrase(N_("{rule} does now: {actions}"), rule=short(params.rule), actions=described(actions))
            return Working(note, timedelta(), _output(params, actions), more=True)
        if page_of(actions) != params.text:
            perform(aws, _call(params))
        return self.look(params, aws, attempt)

    def look(self, params: Page, aws: Aws, attempt: Attempt) -> Progress:
        actions = actions_of(aws, params.rule)
        if page_of(actions) == params.text:
            note = phrase(N_("{rule} shows the notice: {status}"), rule=short(params.rule), status=described(actions))
            return Done(
                note, attempt.memory
            )  # empty where the page was there already: then nobody knows what was before
        progress = not_written(params, actions, attempt)
        return (
            progress if not isinstance(progress, Working) else Working(progress.note, progress.again_in, attempt.memory)
        )


def _call(params: Page) -> Call:
    kind = "text/html" if params.text.lstrip().startswith("<") else "text/plain"
    return write(params, page(params.status, params.text, kind))


def _output(params: Page, actions: Actions) -> dict[str, str]:
    return {"before": json.dumps(actions, sort_keys=True), "page": params.text}
