"""`lifeboat escalation …`: is there somebody who will answer, at every instant to come?"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from bot.cli import say

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback()
def _about() -> None:
    """Escalation policies."""


@app.command()
def prove(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days ahead.")] = 90, *, json: Json = False
) -> None:
    """Walk every policy for every instant of the days to come. Exit status 1: in some stretch it may reach nobody.

    A stretch is proven when some level pages a person who can be reached at two addresses.
    """
    from bot.core import read_config
    from bot.settings import Settings
    from escalation.proof import prove as walk

    config, directory = read_config(Settings())
    start = datetime.now(UTC).replace(microsecond=0)
    findings = walk(directory, directory.policies.values(), start, start + timedelta(days=days))
    _ = say.words(config.language, config.zone)
    if json:
        say.as_json([_as_json(one) for one in findings])
    else:
        _print(findings, len(directory.policies), days, _)
    if findings:
        raise typer.Exit(1)


def _as_json(finding: Any) -> dict[str, Any]:
    why = [str(reason.phrase) for reason in finding.why]
    return {"policy": finding.policy, "start": finding.start, "end": finding.end, "why": why}


def _print(findings: Any, policies: int, days: int, _: Any) -> None:
    if not findings:
        say.out(_("Proven: for {days} days, each of {policies} policies reaches somebody with two addresses at every instant.",
                  days=days, policies=policies))  # fmt: skip
        return
    for one in findings:
        say.out(_("{policy}: from {start} until {end} an incident may reach nobody.", policy=one.policy, start=one.start, end=one.end))  # fmt: skip
        for reason in one.why:
            say.out(f"  {_.phrase(reason.phrase)}")
