"""When to look again: soon at first, because many changes take seconds, then every ten to fifteen seconds."""

from datetime import timedelta
from zlib import crc32

from bot.playbook.action import Attempt

#: AWS may not show for a while what it has just accepted; until then an absence proves nothing.
SETTLING = timedelta(seconds=60)
#: How far AWS's clock and our database's may lie apart when we ask "was this made after we started?".
CLOCK_SKEW = timedelta(seconds=10)


def next_look(attempt: Attempt) -> timedelta:
    """2 s in the first half minute, then 10 to 15 s; steps that started together spread out by their token."""
    if attempt.now - attempt.started_at < timedelta(seconds=30):
        return timedelta(seconds=2)
    return timedelta(seconds=10 + crc32(attempt.token.encode()) % 6)
