"""From an alarm's arrival to its first page at Slack, at 1, 50 and 500 alarms a second.

*distinct*: every alarm is another one, so each opens an incident, a channel and a card, and pages somebody.
*same*: one alarm that repeats at that rate, and every second another one among them whose page is timed.
"""

import time
from collections.abc import Mapping, Sequence

from benchmarks import messages
from benchmarks.result import Result, percentile
from benchmarks.stand import Load, Server, Stand

#: Alarms a second, and for how many seconds.
RATES: Mapping[int, int] = {1: 20, 50: 10, 500: 10}
QUICK_RATES: Mapping[int, int] = {1: 3, 50: 3, 500: 1}
_PATIENCE = 90.0
_STORM = "storm"


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:
    results: list[Result] = []
    for rate, seconds in QUICK_RATES.items() if quick else RATES.items():
        for kind, names in (("distinct", messages.distinct(rate * seconds)), ("same", _storm(rate, seconds))):
            if kind == "same" and rate == 1:
                continue
            file = stand.messages(f"{kind}-{rate}", names)
            with stand.floor(pages=True) as floor:
                lowest = _latencies(stand, floor, file, names, rate)
            with stand.bot() as bot:
                stand.load(bot, stand.messages("first", ["first"]), "--connections", "1")
                ours = _latencies(stand, bot, file, names, rate)
            results += _results(f"alarm → page, {rate}/s {kind}", rate, ours, lowest)
    return results


def _results(what: str, rate: int, ours: Sequence[float], floor: Sequence[float]) -> Sequence[Result]:
    aimed = rate <= 50
    return [
        Result(f"{what}, p50", "ms", [percentile(ours, 0.5)], [percentile(floor, 0.5)], aim=50 if aimed else None),
        Result(f"{what}, p99", "ms", [percentile(ours, 0.99)], [percentile(floor, 0.99)], aim=250 if aimed else None),
    ]


def _storm(rate: int, seconds: int) -> Sequence[str]:
    """One alarm over and over; the first of every second is another one, whose page can be told apart."""
    probes = messages.distinct(seconds)
    return [probes[at // rate] if at % rate == 0 else _STORM for at in range(rate * seconds)]


def _latencies(stand: Stand, server: Server, file: object, names: Sequence[str], rate: int) -> Sequence[float]:
    """Milliseconds from sending an alarm to its page, for every alarm that can be told apart."""
    stand.forget_pages()
    load = stand.load(server, file, "--rate", str(rate))  # type: ignore[arg-type]
    sent = _first_sent(load, names)
    pages = _pages(stand, sent)
    return [(pages[number] - at) * 1e3 if number in pages else float("inf") for number, at in sent.items()]


def _first_sent(load: Load, names: Sequence[str]) -> Mapping[int, float]:
    numbered = ((messages.number_in(name.encode()), at) for name, at in zip(names, load.sent, strict=True))
    return {number: at for number, at in numbered if number is not None}


def _pages(stand: Stand, expected: Mapping[int, float]) -> Mapping[int, float]:
    end = time.monotonic() + _PATIENCE
    pages = stand.pages()
    while len(pages) < len(expected) and time.monotonic() < end:
        time.sleep(0.2)
        pages = stand.pages()
    return pages
