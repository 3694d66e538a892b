"""`python -m benchmarks [--quick] [name …]`: run the benchmarks, print one table."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks import accept, engine, lint, page, rehearsal, start, timers
from benchmarks.result import Result, show
from benchmarks.stand import Stand

BENCHMARKS: Mapping[str, Callable[..., Sequence[Result]]] = {
    "start": start.run,
    "accept": accept.run,
    "page": page.run,
    "timers": timers.run,
    "engine": engine.run,
    "lint": lint.run,
    "rehearsal": rehearsal.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer and once, in under a minute")
    args = parser.parse_args()
    if unknown := set(args.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    results: list[Result] = []
    with Stand() as stand:
        for name in args.names or BENCHMARKS:
            begun = time.monotonic()
            results += BENCHMARKS[name](stand, quick=args.quick)
            print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    show(results)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
