"""What a button carries back to us: ids, never state. Slack keeps up to 2,000 characters of it for as long as it likes."""

import json
from collections.abc import Mapping

from bot.errors import N_, Refused, phrase
from bot.slack.limits import VALUE


def encode_value(**ids: str) -> str:
    """`encode_value(i="k3v9x2ab", p="restore-table")` as the text of a button's `value`."""
    value = json.dumps(ids, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    if len(value) > VALUE:
        message = f"a button's value holds ids only, but this has {len(value)} characters"
        raise ValueError(message)
    return value


def decode_value(value: str | None) -> Mapping[str, str]:
    """The ids of a button. Raises `Refused` for anything that we cannot have written: an old button, or a forged one."""
    try:
        ids = json.loads(value or "")
    except ValueError:
        ids = None
    if not isinstance(ids, dict) or not all(isinstance(id_, str) for id_ in ids.values()):
        raise Refused(phrase(N_("This button is from another version of Lifeboat. Use the newest message instead.")))
    return ids
