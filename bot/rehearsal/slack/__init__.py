"""A Slack that runs on this machine: `async with LocalSlack(Workspace(...)) as slack:`, then `slack.install(...)`.

Start in `server.py`. Any Bolt app can point its `base_url` at `slack.api_url`; nothing here knows which app it is.
"""

from bot.rehearsal.slack.clock import Clock
from bot.rehearsal.slack.faults import Fault
from bot.rehearsal.slack.person import Person
from bot.rehearsal.slack.server import LocalSlack
from bot.rehearsal.slack.workspace import Channel, InstalledApp, User, UserGroup, Workspace

__all__ = ["Channel", "Clock", "Fault", "InstalledApp", "LocalSlack", "Person", "User", "UserGroup", "Workspace"]
