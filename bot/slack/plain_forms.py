"""The forms that are not a playbook's: declare, resolve, skip a step. Pure."""

from bot.config import Config
from bot.errors import N_
from bot.incident.incident import Incident
from bot.incident.playbook_runs import playbook_of
from bot.incident.run import Run
from bot.language import Words
from bot.slack.blocks import Block, bold, section
from bot.slack.limits import clip
from bot.slack.plan_text import step_title
from bot.slack.views import OPTION_VALUE, OPTIONS, choice_field, field, form, text_field

#: `callback_id` of each form
DECLARE, RESOLVE, SKIP = "incident.declare", "incident.resolve", "step.skip"
#: Names of the fields
TITLE, SERVICE, TIER, RESOLUTION, REASON = "title", "service", "tier", "resolution", "reason"

_TIERS = {"1": N_("1: a component"), "2": N_("2: an availability zone"), "3": N_("3: a region")}
_TITLE, _RESOLUTION, _REASON = 200, 2_000, 300


def declare(config: Config, title: str, _: Words) -> Block:
    """What is wrong, and where."""
    services = {
        name: service.title or name for name, service in list(config.services.items())[:OPTIONS]
        if len(name) <= OPTION_VALUE
    }  # fmt: skip
    blocks = [field(TITLE, _("What is wrong?"), text_field(title, most=_TITLE, placeholder=_("Orders are failing")))]
    if services:
        blocks.append(field(SERVICE, _("Service"), choice_field(services), optional=True))
    tiers = choice_field({tier: _(label) for tier, label in _TIERS.items()})
    blocks.append(
        field(TIER, _("Tier"), tiers, hint=_("How much is affected. Left out: the service's own."), optional=True)
    )
    return form(DECLARE, _("Declare an incident"), _("Declare"), blocks, _)


def resolve(incident: Incident, _: Words) -> Block:
    """How it ended."""
    resolution = field(
        RESOLUTION, _("What solved it?"), text_field(most=_RESOLUTION, lines=True), optional=True,
        hint=_("It stands in the closing summary."),
    )  # fmt: skip
    about = section(bold(clip(incident.title, 200)))
    return form(RESOLVE, _("Resolve the incident"), _("Resolve"), [about, resolution], _, i=incident.id)


def skip(run: Run, step: str, _: Words) -> Block:
    """Why the step is not needed."""
    written = {one.id: one for one in playbook_of(run).steps}
    name = step_title(written[step], _) if step in written else step
    blocks = [
        section(bold(clip(name, 200))),
        field(
            REASON,
            _("Why is it skipped?"),
            text_field(most=_REASON),
            hint=_("The steps after it go on as if it were done."),
        ),
    ]
    return form(SKIP, _("Skip a step"), _("Skip"), blocks, _, r=run.id, s=step)
