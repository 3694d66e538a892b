"""The whole plan of a run, in a modal. Pure."""

from collections.abc import Iterator

from bot.incident.playbook_runs import plan_of
from bot.incident.view import RunView
from bot.incident.wording import worded
from bot.language import Words
from bot.slack.blocks import Block, context, escape, lines, section
from bot.slack.limits import SECTION, VIEW_BLOCKS, VIEW_BYTES, VIEW_TITLE, clip
from bot.slack.plan_text import details, heading, overview, pieces, titles


def plan_view(view: RunView, _: Words) -> Block:
    """A modal for `views.open` or `views.push`. What Slack cannot show any more is counted at its end."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": clip(_("Plan"), VIEW_TITLE)},
        "close": {"type": "plain_text", "text": clip(_("Close"), VIEW_TITLE)},
        "blocks": _blocks(view, _),
    }


def _blocks(view: RunView, _: Words) -> list[Block]:
    plan = plan_of(view.run)
    if plan is None:
        return [section(_("There is no plan yet."))]
    inputs = [f"{escape(name)} = {escape(value)}" for name, value in plan.inputs.items()]
    blocks = [section(piece) for piece in pieces(overview(plan, _).split("\n"), SECTION)]
    blocks += [section(lines(_("Inputs:"), *inputs))] if inputs else []
    size = sum(len(str(block).encode()) for block in blocks)
    steps = list(_steps(view, _))
    for number, step in enumerate(steps):
        size += sum(len(str(block).encode()) for block in step)
        if len(blocks) + len(step) >= VIEW_BLOCKS or size >= VIEW_BYTES:
            return [*blocks, context(_("and {count} more steps", count=len(steps) - number))]
        blocks += step
    return blocks


def _steps(view: RunView, _: Words) -> Iterator[list[Block]]:
    plan, names = plan_of(view.run), titles(worded(view.run, view.steps), _)
    for number, step in enumerate(plan.steps if plan else (), start=1):
        texts = [
            heading(number, step, names.get(step.step, step.step), _),
            *details(step, _, plan.region if plan else ""),
        ]
        yield [section(text) for text in pieces(texts, SECTION)]
