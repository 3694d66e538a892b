"""`lifeboat rehearse`: break something in an emulated AWS, and see a playbook cure it: how long it takes, and what is lost."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import say
from bot.errors import N_

if TYPE_CHECKING:
    from bot.language import Words


class Answer(StrEnum):
    """What people say to what the playbook asks."""

    YES = "yes"
    NO = "no"


def rehearse(
    playbook: Annotated[str, typer.Argument(help="The playbook's name.", show_default=False)] = "",
    breaks: Annotated[
        list[str] | None,
        typer.Option("--break", metavar="KIND:WHAT", help="What to break, such as zone:use1-az1; may be repeated. See --list."),
    ] = None,
    given: Annotated[list[str] | None, typer.Option("--input", help="An input as name=value; may be repeated.")] = None,
    *,
    answer: Annotated[Answer, typer.Option(help="What people say to what the playbook asks.")] = Answer.YES,
    people: Annotated[int, typer.Option(min=1, max=10, help="How many people there are to approve it.")] = 3,
    as_in_account: Annotated[
        bool, typer.Option("--as-in-account", help="First read the shape of your own account, and lay it down beside the shop.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="What can be broken.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:  # fmt: skip
    """Rehearse a playbook in an emulated AWS, in its own time. Exit status 0: it succeeded, and its targets were kept."""
    if listing:
        _list(json=json)
        return
    if not playbook:
        raise typer.BadParameter("Name one, such as evacuate-zone, or ask for --list.", param_hint="PLAYBOOK")
    import asyncio
    import tempfile

    with tempfile.TemporaryDirectory(prefix="lifeboat-rehearsal-") as folder:
        told = _Told(playbook, breaks or [], _inputs(given or []), answer.value, people)
        verdict = asyncio.run(_play(Path(folder), told, as_in_account=as_in_account, json=json))
    if not verdict.passed:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Told:
    """What the reader wants rehearsed."""

    playbook: str
    breaks: list[str]
    inputs: dict[str, str]
    answer: Any
    people: int


async def _play(folder: Path, told: _Told, *, as_in_account: bool, json: bool) -> Any:
    import logging

    from bot.config import find, load
    from bot.logs import configure_logging
    from bot.rehearsal.drill import play
    from bot.settings import Settings

    configure_logging(logging.CRITICAL)
    config = load(find(Settings().config))
    shape = _read_account(config) if as_in_account else None
    _ = say.words()
    clock = _Since()

    def tell(at: Any, what: Any) -> None:
        if not json:
            say.out(f"{clock(at)}  {_.phrase(what)}")

    verdict = await play(
        folder, told.playbook, told.breaks, inputs=told.inputs, people=told.people, answer=told.answer,
        playbooks=config.playbook_folders[1:], account=shape, tell=tell,
    )  # fmt: skip
    if json:
        say.as_json(verdict.as_json())
    else:
        _print(verdict, _)
    return verdict


def _read_account(config: Any) -> Any:
    """The shape of the reader's own account, before the rehearsal takes the place of it."""
    from bot.aws.session import Session, Settings
    from bot.rehearsal.account import snapshot

    named = [
        region
        for service in config.services.values()
        for region in (
            service.parameters.get("home_region", service.region), service.parameters.get("standby_region", "")
        )
    ]  # fmt: skip
    regions = [region for region in dict.fromkeys((*named, config.region)) if region]
    session = Session(regions[0], Settings(account=config.account))
    session.account()  # without credentials nothing can be read: that is told once, before anything is laid down
    session.assert_account()
    return snapshot(session, regions)


class _Since:
    """How much of the rehearsal's time has gone by: `  3:05`, minutes and seconds from the first line on."""

    def __init__(self) -> None:
        self._first: Any = None

    def __call__(self, at: Any) -> str:
        self._first = self._first or at
        minutes, seconds = divmod(int((at - self._first).total_seconds()), 60)
        return f"{minutes:4}:{seconds:02}"


def _print(verdict: Any, _: "Words") -> None:
    """What it took and what it cost, against what is promised."""
    report, targets = verdict.report, verdict.targets
    say.out()
    rto = report.rto if report.rto is not None else _("not well again")
    say.out(_("RTO          {rto} (promised: {target})", rto=rto, target=targets.rto))
    text = N_("RPO          {rpo} (promised: {target})")
    if report.rpo_open:
        text = N_("RPO          {rpo} or more: even the first write of all is lost (promised: {target})")
    say.out(_(text, rpo=report.rpo, target=targets.rpo))
    served = f"{100 * report.availability:.1f}"
    say.out(_("Served       {percent} % of the requests since the fault", percent=served))
    say.out(_("Lost         {lost} of {count} confirmed writes", lost=len(report.lost), count=report.acknowledged))
    if report.conflicts:
        say.out(_("Conflicts    {count} writes that could not see a confirmed one", count=len(report.conflicts)))
    for problem in verdict.problems:
        say.out(_("Not passed:  {why}", why=problem))
    if verdict.passed:
        say.out(_("Passed."))


def _list(*, json: bool) -> None:
    from bot.rehearsal.breakages import KINDS

    _ = say.words()
    if json:
        say.as_json(
            [
                {"kind": name, "pattern": one.written, "meaning": one.meaning, "alarm": one.alarm}
                for name, one in KINDS.items()
            ]
        )
        return
    head = (_("break"), _("what it does"), _("alarm"))
    say.table(head, [(one.written, _(one.meaning), one.alarm or _("none")) for one in KINDS.values()])


def _inputs(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := next(
        (text for text, (name, equals, _value) in zip(given, pairs, strict=True) if not (name and equals)), None
    ):
        raise typer.BadParameter(wrong, param_hint="--input name=value")
    return {name: value for name, _equals, value in pairs}
