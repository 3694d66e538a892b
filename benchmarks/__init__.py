"""How fast Lifeboat is, and how fast it could be: each number beside its floor, measured in the same run.

    make bench                              everything, several times over
    python -m benchmarks --quick            everything once, in under a minute
    python -m benchmarks accept timers      only these

These are not tests: they assert nothing. docs/benchmarks.md says what is measured and what came out.
"""
