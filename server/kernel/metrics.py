"""What the process counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

REGISTRY = CollectorRegistry()

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
