"""How an attempt's token is written where AWS takes one: as a UUID, and in a comment that people read too."""

from uuid import NAMESPACE_URL, uuid5

from bot.playbook.action import Attempt

_OURS = "Lifeboat"


def uuid_of(attempt: Attempt) -> str:
    """The same UUID for the same attempt, whoever asks and whenever."""
    return str(uuid5(NAMESPACE_URL, f"lifeboat:{attempt.token}"))


def comment_of(attempt: Attempt) -> str:
    """At most 128 characters, as a zonal shift takes them; the incident always fits."""
    return f"{_OURS} {attempt.incident} {attempt.token}"[:128]


def is_of_attempt(comment: str, attempt: Attempt) -> bool:
    """Did this very attempt write the comment?"""
    return comment == comment_of(attempt)


def is_of_step(comment: str, attempt: Attempt) -> bool:
    """Did any attempt of the same step write it? The first may have begun what the second looks at."""
    step = f"{_OURS} {attempt.incident} {attempt.run}/{attempt.step}/"[:128]
    return comment.startswith(step)


def is_of_incident(comment: str, attempt: Attempt) -> bool:
    """Did anything of the same incident write it?"""
    return comment.startswith(f"{_OURS} {attempt.incident} ")
