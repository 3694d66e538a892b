"""`lifeboat iam-policy`: what the playbooks may do in AWS, as IAM policies."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import say


class Tier(StrEnum):
    """Which part to print."""

    READ = "read"
    ONE = "1"
    TWO = "2"
    THREE = "3"
    DENY = "deny"


def iam_policy(
    tier: Annotated[Tier | None, typer.Option(help="Only this part; all parts when left out.")] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="A region to act in, instead of those of lifeboat.yaml; may be repeated.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Twelve digits; the account of lifeboat.yaml when left out.")
    ] = None,
    role: Annotated[str, typer.Option(help="The name of the role that Lifeboat itself has.")] = "lifeboat",
    tag: Annotated[
        str | None, typer.Option(help="Such as dr-managed=true: change only what carries it, where AWS compares tags.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A folder: write <part>.json files into it.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs: each part by its name.")] = False,
) -> None:
    """The least IAM policies for the playbooks that there are: what reads, what changes by tier, what is denied."""
    from bot.aws import ACTIONS, CHECKS
    from bot.aws.iam_document import text
    from bot.aws.iam_policy import policies, where
    from bot.core import read_config, usable_playbooks
    from bot.settings import Settings

    config, _directory = read_config(Settings())
    playbooks, problems = usable_playbooks(config)
    place = where(config, _account(account or config.account), region or (), role, _pair(tag))
    made = policies(playbooks.values(), {**ACTIONS, **CHECKS}, config, place)
    chosen = {name: document for name, document in made.items() if tier is None or name.startswith(_PREFIX[tier])}
    _ = say.words(config.language, config.zone)
    if json:
        say.as_json(chosen)
    elif output:
        _write(output, {name: text(document) for name, document in chosen.items()})
        say.out(_("{count} policies written to {folder}.", count=len(chosen), folder=output))
    else:
        for name, document in chosen.items():
            say.out(f"# {name}.json\n{text(document)}")
    if not chosen:
        typer.echo(_("No playbook needs this part."), err=True)
    if problems:
        typer.echo(_("{count} playbook problems: run `lifeboat playbook lint`.", count=len(problems)), err=True)


_PREFIX = {Tier.READ: "read", Tier.ONE: "tier-1-2", Tier.TWO: "tier-1-2", Tier.THREE: "tier-3", Tier.DENY: "deny"}


def _account(given: str | None) -> str:
    if given is None or not (given.isdecimal() and len(given) == 12):
        raise typer.BadParameter(given or "-", param_hint="--account 111122223333, or account in lifeboat.yaml")
    return given


def _pair(tag: str | None) -> tuple[str, str] | None:
    if tag is None:
        return None
    key, equals, value = tag.partition("=")
    if not (key and equals and value):
        raise typer.BadParameter(tag, param_hint="--tag name=value")
    return key, value


def _write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
