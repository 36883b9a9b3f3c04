"""Every request counted and logged, worked off a few times a second: together that costs a fifth of one by one.

A line holds the route's name, never the path: paths carry ids, queries carry more. A killed process loses the lines of
its last fifth of a second.
"""

import asyncio
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from server.kernel import metrics

WORK_OFF_SECONDS = 0.2
BOUNDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 15.0)
"""Upper bounds of the histogram's buckets, in seconds; the last bucket has none."""

_NAMES = [*map(str, BOUNDS), "+Inf"]
_LABELS = ("method", "route", "status")


class _Cell:
    """What is known of one method, route and status."""

    __slots__ = ("buckets", "line", "seconds")

    def __init__(self, method: str, route: str, status: int) -> None:
        self.buckets = [0] * len(_NAMES)
        self.seconds = 0.0
        self.line = f'","method":"{method}","route":"{route}","status":{status},"ms":'


class Traffic(Collector):
    """The requests of this process: a histogram for Prometheus and, where `logged`, a line each."""

    def __init__(self) -> None:
        self.logged = False
        self._new: list[tuple[float, str, str, str, int, float]] = []
        self._cells: dict[tuple[str, str, int], _Cell] = {}

    def note(self, request_id: str, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answered request; the texts are known to be safe inside JSON."""
        if not self._new:
            asyncio.get_running_loop().call_later(WORK_OFF_SECONDS, self.work_off)
        self._new.append((time.time(), request_id, method, route, status, seconds))

    def work_off(self) -> None:
        """Count and write what has gathered."""
        lines = []
        for moment, request_id, method, route, status, seconds in self._new:
            key = (method, route, status)
            cell = self._cells.get(key) or self._cells.setdefault(key, _Cell(*key))
            cell.buckets[bisect_left(BOUNDS, seconds)] += 1
            cell.seconds += seconds
            head = f'{{"timestamp":{moment:.3f},"event":"request","request_id":"{request_id}'
            lines.append(f"{head}{cell.line}{seconds * 1000:.2f}}}\n")
        self._new.clear()
        if lines and self.logged:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram, up to this moment."""
        self.work_off()
        words = "Time from the request's head to its answer, by route and status"
        family = HistogramMetricFamily("yizhitong_request_seconds", words, labels=_LABELS)
        for (method, route, status), cell in self._cells.items():
            buckets = list(zip(_NAMES, accumulate(cell.buckets), strict=True))
            family.add_metric([method, route, str(status)], buckets, cell.seconds)
        yield family


TRAFFIC = Traffic()
metrics.REGISTRY.register(TRAFFIC)
