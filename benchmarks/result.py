"""What is measured, and the table of it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Result:
    """One number, once for each round, and the same of the floor. `aim` is a limit for the number or, as `ratio_aim`, the ratio."""

    what: str
    unit: str
    values: Sequence[float]
    floor: Sequence[float] = ()
    better: Literal["more", "less"] = "less"
    aim: float | None = None
    ratio_aim: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """The median as a multiple of the floor's; of a rate, its share."""
        return self.median / statistics.median(self.floor) if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the aims are met; None where there are none."""
        checks = [(self.median, self.aim), (self.ratio, self.ratio_aim)]
        held = [
            value >= aim if self.better == "more" else value <= aim
            for value, aim in checks
            if value is not None and aim is not None
        ]
        return all(held) if held else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; infinite when there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.inf


def show(results: Sequence[Result]) -> None:
    """One table: the median of the rounds, what they ranged over, the floor, and the aim."""
    table = Table(title="Lifeboat benchmarks")
    for column in ("what", "median", "min … max", "floor", "ratio", "aim", ""):
        table.add_column(column, justify="left" if column in {"what", "aim"} else "right")
    for result in results:
        table.add_row(
            result.what,
            f"{_number(result.median)} {result.unit}",
            f"{_number(min(result.values))} … {_number(max(result.values))}" if len(result.values) > 1 else "",
            f"{_number(statistics.median(result.floor))} {result.unit}" if result.floor else "",
            f"{result.ratio:.2f}" if result.ratio is not None else "",
            _aim(result),
            {True: "met", False: "MISSED", None: ""}[result.met],
        )
    Console(width=130).print(table)


def _aim(result: Result) -> str:
    sign = "≥" if result.better == "more" else "≤"
    parts = [f"{sign} {_number(result.aim)} {result.unit}"] if result.aim is not None else []
    parts += [f"ratio {sign} {result.ratio_aim}"] if result.ratio_aim is not None else []
    return ", ".join(parts)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
