"""The form for a run that concerns a whole region: whoever approves it types where it acts. Pure."""

from bot.incident.approval import region_of
from bot.incident.playbook_runs import playbook_of
from bot.incident.run import Run
from bot.language import Words
from bot.slack.blocks import Block, bold, lines, section
from bot.slack.limits import clip
from bot.slack.views import field, form, text_field

CALLBACK = "run.approve"
#: Names of the fields
REGION = "region"
#: The longest name of a region has 14 letters; a person may put spaces around it.
_REGION = 40


def approve_form(run: Run, plan_hash: str, _: Words) -> Block:
    """Ask for the region's name. The plan's hash goes with the form: it is this plan that is approved, and no newer one."""
    title = playbook_of(run).title.for_reader(_.language)
    region = region_of(run)
    about = section(
        lines(
            bold(clip(title, 200)),
            _("It acts in {region}, and disturbs more than one service. Read the whole plan first.", region=region),
        )
    )
    typed = field(
        REGION, _("Type the name of the region in which it acts"), text_field(most=_REGION),
        hint=_("The run starts when as many people as it needs have approved it."),
    )  # fmt: skip
    return form(CALLBACK, _("Approve the plan"), _("Approve"), [about, typed], _, r=run.id, h=plan_hash)
