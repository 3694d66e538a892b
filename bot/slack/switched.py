"""What `/dr stop`, `/dr start` and `/dr freeze` answer. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta

from bot.errors import N_, Refused, phrase
from bot.incident.run import Run
from bot.incident.switches import Switched
from bot.language import Words
from bot.slack.blocks import Block, Message, button, code, confirmation, escape, lines, listed, section
from bot.slack.card import run_line
from bot.slack.run_buttons import RUN_ABORT
from bot.slack.values import encode_value
from escalation.duration import parse_duration
from escalation.errors import BadValue

_RUNS = 10


def switched(done: Switched, _: Words) -> Message:
    """What holds now, what will not begin, and what goes on all the same, each with its button to abort it."""
    said = escape(_.phrase(done.said))
    off = [_("⏹️ {name} does not start (run {id}).", name=code(run.name), id=run.id) for run in done.called_off]
    text = lines(said, listed(off, _RUNS, _), *_going_on(done.going, _))
    blocks = [section(lines(said, listed(off, _RUNS, _)))]
    for number, run in enumerate(done.going[:_RUNS]):
        blocks.append(section(run_line(run, _), _abort(run, _)) | {"block_id": f"going-{number}"})
    if done.going:
        blocks.insert(1, section(_("These had begun, and go on until somebody aborts them:")))
    return Message(text, blocks)


def how_long(text: str) -> tuple[timedelta, str]:
    """The length and the reason of `2h moving the database`. Raises `Refused`."""
    length, _, reason = text.partition(" ")
    try:
        return parse_duration(length.strip("`").lower()), re.sub(r"\s+", " ", reason).strip()[:200]
    except BadValue as error:
        raise Refused(phrase(N_("Say for how long, and why: freeze 2h moving the database."))) from error


def _going_on(going: Sequence[Run], _: Words) -> list[str]:
    if not going:
        return []
    return [_("These had begun, and go on until somebody aborts them:"), *(run_line(run, _) for run in going[:_RUNS])]


def _abort(run: Run, _: Words) -> Block:
    text = _("No further step starts. What AWS has begun already goes on by itself.")
    sure = confirmation(_("Abort {name}?", name=run.name), text, _("Abort"), _("Keep it"))
    return button(_("Abort"), RUN_ABORT, encode_value(r=run.id), style="danger", confirm=sure)
