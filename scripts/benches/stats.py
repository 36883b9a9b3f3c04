"""The few statistics that a table needs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One server in one round."""

    requests_per_second: float
    cpu_us: float
    """Microseconds of the server's own processor time per request."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The middle and the ends of some figures."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Summary":
        """Summarise at least one figure."""
        return cls(median(figures), min(figures), max(figures))

    def as_dict(self, digits: int = 3) -> dict[str, float]:
        """Return the figures, rounded."""
        return {name: round(figure, digits) for name, figure in asdict(self).items()}


def by_cpu(ours: Sequence[Sample], peer: Sequence[Sample]) -> Summary:
    """Return how many times less processor time ours took than the peer's in the same round; above 1 is better."""
    return Summary.of([b.cpu_us / a.cpu_us for a, b in zip(ours, peer, strict=True)])


def by_requests(ours: Sequence[Sample], peer: Sequence[Sample]) -> Summary:
    """Return ours over the peer's requests per second in the same round; above 1 is better."""
    return Summary.of([a.requests_per_second / b.requests_per_second for a, b in zip(ours, peer, strict=True)])
