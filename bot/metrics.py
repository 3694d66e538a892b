"""What Prometheus is told. Counters live here; gauges are read from the database when they are asked for."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

REGISTRY = CollectorRegistry()
ALARMS_ACCEPTED = Counter("lifeboat_alarms_accepted_total", "Deliveries on disk, by door.", ["door"], registry=REGISTRY)
FORGERIES = Counter(
    "lifeboat_sns_forgeries_total", "Deliveries refused as forged, by flaw.", ["flaw"], registry=REGISTRY
)
PAGES = Counter(
    "lifeboat_pages_total", "Tries to page, by method and outcome.", ["method", "outcome"], registry=REGISTRY
)
INCIDENTS_OPEN = Gauge("lifeboat_incidents_open", "Incidents that are not resolved.", registry=REGISTRY)
JOBS_OVERDUE = Gauge(
    "lifeboat_jobs_overdue", "Jobs that are due for over a minute, by lane.", ["lane"], registry=REGISTRY
)
JOBS = Gauge("lifeboat_jobs", "Jobs by kind and state.", ["kind", "state"], registry=REGISTRY)


def page() -> bytes:
    """Prometheus' text format."""
    return generate_latest(REGISTRY)
