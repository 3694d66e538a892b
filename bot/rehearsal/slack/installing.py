"""Installing an app into the workspace from its manifest."""

from collections.abc import Mapping
from typing import Any

from bot.errors import N_, Refused, phrase
from bot.rehearsal.slack.events import missing_scopes
from bot.rehearsal.slack.workspace import InstalledApp, User
from bot.rehearsal.slack.world import World

LONGEST_NAME, LONGEST_DESCRIPTION = 35, 140


def install(
    world: World, manifest: Mapping[str, Any], request_url: str | None, secrets: Mapping[str, str]
) -> InstalledApp:
    """The app, with a bot user. `secrets` may name `bot_token`, `signing_secret` and `app_token`; others are made up."""
    shown = manifest.get("display_information", {})
    name = str(shown.get("name", ""))
    bot = manifest.get("features", {}).get("bot_user", {}).get("display_name") or name
    app = InstalledApp(
        id=world.ids.new("A"),
        name=name,
        bot_user_id=world.ids.new("U"),
        bot_id=world.ids.new("B"),
        bot_token=secrets.get("bot_token") or world.ids.secret("xoxb-local-"),
        signing_secret=secrets.get("signing_secret") or world.ids.secret(""),
        app_token=secrets.get("app_token") or world.ids.secret("xapp-local-"),
        manifest=manifest,
        request_url=request_url,
        verification_token=world.ids.secret(""),
    )
    if problems := list(_problems(world, app)):
        what = N_("Slack would refuse this manifest: {problems}. Correct it and install the app again.")
        raise Refused(phrase(what, problems="; ".join(problems)))
    world.apps[app.id] = app
    handle = bot.lower().replace(" ", "-")
    world.users[app.bot_user_id] = User(app.bot_user_id, handle, bot, app_id=app.id, bot_id=app.bot_id)
    return app


def _problems(world: World, app: InstalledApp) -> list[str]:
    about = app.manifest.get("display_information", {})
    problems = missing_scopes(app)
    if not 0 < len(app.name) <= LONGEST_NAME:
        problems.append(f"display_information.name must have 1 to {LONGEST_NAME} characters")
    if len(str(about.get("description", ""))) > LONGEST_DESCRIPTION:
        problems.append(f"display_information.description must have no more than {LONGEST_DESCRIPTION} characters")
    if app.commands and "commands" not in app.scopes:
        problems.append("slash commands need the scope commands")
    taken = {command["command"] for other in world.apps.values() for command in other.commands}
    for command in app.commands:
        if not str(command["command"]).startswith("/"):
            problems.append(f"the command {command['command']} must start with /")
        if command["command"] in taken:
            problems.append(f"the command {command['command']} belongs to another app here")
    return problems
