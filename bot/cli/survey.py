"""`lifeboat survey`: what is known of AWS for a night in which it cannot be asked, and how old that is."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.cli import desk, say

Now = Annotated[bool, typer.Option("--now", help="Ask AWS again first.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def survey(*, now: Now = False, json: Json = False) -> None:
    """What a failover would rely on: sizes, releases, replicas and endpoints of both regions, and when AWS last said so."""
    desk.run(_survey(now=now, json=json))


async def _survey(*, now: bool, json: bool) -> None:
    async with desk.desk() as (core, _):
        refused = await _ask(core) if now else {}
        async with core.store.begin() as tx:
            known, at = await tx.known.recall([""]), tx.now
        if json:
            say.as_json({key: {"value": memo.value, "seen_at": memo.seen_at} for key, memo in known.items()})
            return
        for asked, why in refused.items():
            say.out(_("Not answered: {asked}: {why}", asked=asked, why=why))
        if not known:
            say.out(_("Nothing is known yet. Give a service a standby_region under parameters in lifeboat.yaml; lifeboat "
                      "serve then asks AWS every five minutes, and lifeboat survey --now does so at once."))  # fmt: skip
            return
        rows = [(key, _("{age} ago", age=_age(at - memo.seen_at)), _shown(memo.value)) for key, memo in known.items()]
        say.table((_("What"), _("Seen"), _("Value")), rows)


async def _ask(core: Any) -> Mapping[str, str]:
    """What AWS did not answer, and why."""
    from bot.app import open_aws, survey_of

    aws = open_aws(core)
    survey = survey_of(core, aws)
    try:
        noted = await survey.once()
    finally:
        aws.pool.close()
    async with core.store.begin() as tx:
        await noted(tx)
    return survey.refused


def _age(length: Any) -> Any:
    """In whole seconds."""
    from datetime import timedelta

    return timedelta(seconds=max(0, int(length.total_seconds())))


def _shown(value: Any) -> str:
    """`running=6 desired=6 …`; what is empty is left out, and of the hours only the most."""
    if not isinstance(value, Mapping):
        return ", ".join(str(one.get("region", one)) for one in value) if isinstance(value, list) else str(value)
    parts = {**value, **({"most": max(value["hours"].values())} if value.get("hours") else {})}
    parts.pop("hours", None)
    return " ".join(f"{name}={part}" for name, part in parts.items() if part not in (None, "", [], {}))
