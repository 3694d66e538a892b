"""One provider in several regions: when the first refuses for now, the next one is asked at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from bot.errors import N_, ActionFailed, DeliveryFailed, phrase

log = structlog.get_logger()

#: One way to send: `await way(page, incident…)`; raises `ActionFailed`.
Way = Callable[[], Awaitable[Any]]


async def first_that_takes_it(ways: Sequence[tuple[str, Way]], unset: str) -> None:
    """Try the ways in their order until one takes the message. Each has a name for the log.

    What one refuses because of the address the next one is not asked: it would refuse it too. Raises `DeliveryFailed`; it
    is permanent unless trying again may help somewhere. `unset` says what is missing where there is no way.
    """
    if not ways:
        raise DeliveryFailed(phrase(N_("{what} is not set up in lifeboat.yaml."), what=unset), permanent=True)
    failed: list[ActionFailed] = []
    for name, way in ways:
        try:
            await way()
        except ActionFailed as error:
            if _for_good(error):
                raise DeliveryFailed(error.phrase, permanent=True) from error
            log.warning("contact.way_failed", way=name, code=error.code, error=str(error))
            failed.append(error)
        else:
            return
    last = next((error for error in failed if error.retry), failed[-1])
    raise DeliveryFailed(last.phrase, permanent=not last.retry) from last


#: What AWS says of the address itself, by any of its services that send.
_OF_THE_ADDRESS = frozenset(
    {
        "InvalidParameter", "InvalidParameterValue", "OptedOut", "OptedOutException", "DestinationNumberNotAllowed",
        "DestinationNotAllowedException", "OutboundContactNotPermittedException", "PhoneNumberOptedOut",
    }
)  # fmt: skip


def _for_good(error: ActionFailed) -> bool:
    return not error.retry and error.code in _OF_THE_ADDRESS
