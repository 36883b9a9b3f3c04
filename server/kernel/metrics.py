"""What the process counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

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

DELIVERIES = Gauge(
    "yizhitong_deliveries", "Pushes that wait, and those of the last day that have ended", ["state"], registry=REGISTRY
)
DELIVERIES_LATE = Gauge(
    "yizhitong_deliveries_late_seconds", "Since when the oldest push is due", ["priority"], registry=REGISTRY
)
DELIVERIES_PROMPT = Gauge(
    "yizhitong_deliveries_prompt_share",
    "Of what is not for many and was taken by WeChat in the last hour, the share taken within ten seconds",
    registry=REGISTRY,
)
HAND_OVER_SECONDS = Histogram(
    "yizhitong_hand_over_seconds",
    "From when a push could go out until WeChat took it",
    ["priority"],
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 600, 3600, 14400),
    registry=REGISTRY,
)

BUDGETS_UNCLOSED = Gauge(
    "yizhitong_budgets_unclosed",
    "Budgets of past years for whose closing approved awards wait: until then their funds give nobody money",
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Return everything in Prometheus's text format."""
    return generate_latest(REGISTRY)
