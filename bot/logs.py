"""How the program logs: one JSON line for each event, on standard error."""

import sys

import structlog


def configure_logging(level: int) -> None:
    """`level` as in `logging`. Tracebacks show no local variables, since those hold tokens and signatures."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
