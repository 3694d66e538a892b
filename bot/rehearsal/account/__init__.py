"""The shape of a real account, read with describing calls alone, and laid down in the emulated AWS.

    shape = snapshot(session, ["ap-northeast-2", "us-west-2"])     # JSON both ways: shape.as_json(), Shape.read(…)
    notes = lay_down(shape, estate)                                # what was left out, for people

No data, no secrets, and none of what `snapshot.py` does not name.
"""

from bot.rehearsal.account.laying import lay_down
from bot.rehearsal.account.shape import Shape
from bot.rehearsal.account.snapshot import snapshot

__all__ = ["Shape", "lay_down", "snapshot"]
