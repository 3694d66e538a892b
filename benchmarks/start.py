"""Start-up, and what an idle process holds. The first start makes the tables; every later one finds them."""

import time
from collections.abc import Sequence

from benchmarks.result import Result
from benchmarks.stand import Stand, seconds_of

_IDLE_SECONDS = 2.0


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:
    rounds = 1 if quick else 5
    first, started, memory, floor_started, floor_memory = [], [], [], [], []
    for _ in range(rounds):
        with stand.floor() as floor:
            floor_started.append(floor.started)
            floor_memory.append(floor.memory)
        database = stand.database()
        with stand.bot(database) as bot:
            first.append(bot.started)
        with stand.bot(database) as bot:
            time.sleep(_IDLE_SECONDS)
            started.append(bot.started)
            memory.append(bot.memory)
    again = range(rounds * 2 + 1)
    return [
        Result("lifeboat serve, first start until ready", "s", first),
        Result("lifeboat serve, later start until ready", "s", started, floor_started),
        Result("lifeboat serve, idle memory", "MB", memory, floor_memory, aim=120),
        Result(
            "lifeboat --help", "s", [seconds_of("-m", "bot.cli", "--help") for _ in again],
            [seconds_of("-c", "pass") for _ in again], aim=0.3,
        ),
    ]  # fmt: skip
