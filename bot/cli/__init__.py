"""The `lifeboat` command: the same verbs as Slack, working when Slack is not there.

Everything heavy is imported inside the commands, so that `lifeboat --help` answers at once.
"""

import io
import sys

import typer

from bot.cli import automatic, escalation, incidents, jobs, oncall, operate, playbooks, policy, rehearse, survey, undo

app = typer.Typer(
    name="lifeboat",
    help="Disaster recovery and incidents on AWS, from Slack. New here? Try: lifeboat demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than everything else here together
    pretty_exceptions_enable=False,
)
app.add_typer(incidents.app, name="incident", help="Incidents: list, show, declare, acknowledge, resolve.")
undo.add_to(playbooks.app)
app.add_typer(
    playbooks.app, name="playbook", help="Playbooks: list, lint, show, plan, run, approve, abort, retry, skip, undo."
)
app.add_typer(automatic.app, name="automatic", help="What may start by itself: status, stop, start, freeze.")
app.add_typer(escalation.app, name="escalation", help="Is there somebody who will answer? prove.")
app.add_typer(jobs.app, name="jobs", help="Jobs that Lifeboat gave up on: list, retry, drop.")
operate.add_to(app)
app.command("oncall")(oncall.oncall)
app.add_typer(oncall.overrides, name="override", help="Who is on call instead: list, add, cancel.")
app.command("iam-policy")(policy.iam_policy)
app.command("rehearse")(rehearse.rehearse)
app.command("survey")(survey.survey)


def main() -> None:
    """Run a command. Our errors are one clear message and exit status 1; wrong usage is exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter must not cost the command
    try:
        app()
    except Exception as error:
        from bot.cli.say import explain

        if not explain(error):
            raise
        sys.exit(1)
