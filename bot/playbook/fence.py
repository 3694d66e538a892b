"""No step of a regional failover calls the region that is failing: it would hang there, or depend on what is broken."""

from dataclasses import dataclass
from typing import Any

from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws


@dataclass(frozen=True)
class Fence:
    """Clients of every region but one; `bot.playbook.action.Aws`."""

    inner: Aws
    failing: str

    @property
    def region(self) -> str:
        return self.inner.region

    def client(self, service: str, region: str | None = None, *, endpoint: str = "") -> Any:
        """Raises `ActionFailed` for the failing region."""
        if (region or self.inner.region) == self.failing:
            what = N_(
                "{service} in {region} was not called: that region is failing, and a failover must not depend on it. "
                "Let the step act in another region, or mark it best_effort."
            )
            raise ActionFailed(phrase(what, service=service, region=self.failing), code="FailingRegion")
        return self.inner.client(service, region, endpoint=endpoint) if endpoint else self.inner.client(service, region)
