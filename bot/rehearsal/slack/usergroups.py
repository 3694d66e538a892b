"""What happens to user groups: each change tells the subscribed apps, as Slack does, with the difference and the whole.

https://docs.slack.dev/reference/events/subteam_members_changed and …/subteam_updated
"""

from collections.abc import Sequence

from bot.rehearsal.slack.payloads import group_json
from bot.rehearsal.slack.workspace import Json, UserGroup
from bot.rehearsal.slack.world import Event, World


def set_members(world: World, group_id: str, users: Sequence[str]) -> None:
    """Somebody joined or left a group."""
    group = _group(world, group_id)
    before, group.users = group.users, list(users)
    previous, group.date_update = group.date_update, world.seconds()
    body: Json = {
        "type": "subteam_members_changed", "subteam_id": group.id, "team_id": world.workspace.id,
        "date_previous_update": previous, "date_update": group.date_update, "event_ts": world.ids.timestamp(),
        **_difference("added_users", [user for user in users if user not in before]),
        **_difference("removed_users", [user for user in before if user not in users]),
    }  # fmt: skip
    world.emit(Event("subteam_members_changed", body))
    _updated(world, group)


def disable(world: World, group_id: str) -> None:
    """Somebody disabled a group: Slack keeps its members, and speaks of them only when asked for disabled groups too."""
    group = _group(world, group_id)
    group.date_delete = group.date_update = world.seconds()
    _updated(world, group)


def _updated(world: World, group: UserGroup) -> None:
    body: Json = {
        "type": "subteam_updated", "subteam": group_json(world, group), "event_ts": world.ids.timestamp(),
    }  # fmt: skip
    world.emit(Event("subteam_updated", body))


def _group(world: World, group_id: str) -> UserGroup:
    return next(group for group in world.workspace.usergroups if group.id == group_id)


def _difference(name: str, users: Sequence[str]) -> Json:
    """Slack leaves a list out that is empty, and counts in text."""
    return {name: list(users), f"{name}_count": str(len(users))} if users else {}
