"""What Application Auto Scaling does to the desired count of one service: it follows the load, within the target's bounds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Bounds:
    """A scalable target, and which ways it is not suspended."""

    minimum: int
    maximum: int
    scales_in: bool = True
    scales_out: bool = True


class Scaling:
    """`load`: how many tasks the service needs now. A scaling policy is taken for granted where there is a target.

    It acts when the count has been wrong for a while, as the alarms of a target tracking policy do: three minutes for
    more, a quarter of an hour for fewer. A service that was set to nothing is left alone: it has no metrics to follow.
    """

    def __init__(
        self, load: int, now: datetime, bounds: Callable[[], Bounds | None], scaled: Callable[[float], timedelta]
    ) -> None:
        self.load = load
        self._since, self._bounds = now, bounds
        self._out, self._in = scaled(180), scaled(900)

    def moved(self, at: datetime) -> None:
        """The load, the count or the bounds were changed: the alarms begin anew."""
        self._since = at

    def due(self, desired: int) -> datetime | None:
        goal = self._goal(desired)
        return None if goal == desired else self._since + (self._out if goal > desired else self._in)

    def decides(self, desired: int, at: datetime) -> int | None:
        """The new count; None: it stays."""
        due = self.due(desired)
        return self._goal(desired) if due is not None and at >= due else None

    def _goal(self, desired: int) -> int:
        bounds = self._bounds()
        if bounds is None or desired == 0:
            return desired
        goal = min(max(self.load, bounds.minimum), bounds.maximum)
        moves = bounds.scales_out if goal > desired else bounds.scales_in
        return goal if moves else desired
