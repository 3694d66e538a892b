"""How many alarms a second are accepted: posted, verified, on disk, answered; and how long one waits for its answer.

Distinct alarms with a signature of version 2. Meanwhile the same process opens an incident for each and pages.
"""

from collections.abc import Sequence

from benchmarks import messages
from benchmarks.result import Result, percentile
from benchmarks.stand import Load, Stand

CONNECTIONS = 64


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:
    count, rounds = (3_000, 1) if quick else (10_000, 3)
    file = stand.messages("distinct", messages.distinct(count))
    ours, floors = [], []
    for _ in range(rounds):
        with stand.floor() as floor:
            floors.append(_checked(stand.load(floor, file, "--connections", str(CONNECTIONS))))
        with stand.bot() as bot:
            # One alarm beforehand, as in life: the signing certificate is fetched once in a year.
            stand.load(bot, stand.messages("first", ["first"]), "--connections", "1")
            ours.append(_checked(stand.load(bot, file, "--connections", str(CONNECTIONS))))
    return [
        Result(
            "alarms accepted, distinct", "/s", [one.per_second for one in ours], [one.per_second for one in floors],
            better="more", ratio_aim=0.4,
        ),
        Result("  until the answer, p50", "ms", *_percentiles(ours, floors, 0.5)),
        Result("  until the answer, p99", "ms", *_percentiles(ours, floors, 0.99)),
    ]  # fmt: skip


def _percentiles(ours: Sequence[Load], floors: Sequence[Load], share: float) -> tuple[Sequence[float], Sequence[float]]:
    return [percentile(one.latencies, share) for one in ours], [percentile(one.latencies, share) for one in floors]


def _checked(load: Load) -> Load:
    """A fast refusal is not an acceptance."""
    if refused := [status for status in load.status if status != 200]:
        raise RuntimeError(f"{len(refused)} of {len(load.status)} were not accepted, the first with {refused[0]}")
    return load
