"""What the process counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

REQUESTS = Histogram(
    "yizhitong_request_seconds",
    "Time from the request's head to its answer, by route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 15),
    registry=REGISTRY,
)
JOBS = Gauge("yizhitong_jobs", "Job rows by kind and state", ["kind", "state"], registry=REGISTRY)
SCHEDULE_LAST_RUN = Gauge(
    "yizhitong_schedule_last_run_timestamp_seconds",
    "When a schedule last ended",
    ["schedule"],
    registry=REGISTRY,
)
SCHEDULE_OK = Gauge(
    "yizhitong_schedule_last_run_ok",
    "1 where the last run succeeded, else 0",
    ["schedule"],
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Return everything in Prometheus's text format."""
    return generate_latest(REGISTRY)
