"""May a playbook start without a person? Decisions; `automatic.py` acts on them."""

from bot.config import Config
from bot.errors import Phrase
from bot.incident.ports import Tx
from bot.incident.run import Run


async def why_not(tx: Tx, config: Config, run: Run) -> Phrase | None:  # noqa: ARG001
    """Why an announced run must not begin now; None: it may."""
    return None
