"""Rounds of load that take the servers in turn, so that what disturbs the machine disturbs all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.benches.load import Shot, fire
from scripts.benches.processes import Process
from scripts.benches.stats import Sample

WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Effort:
    """How long to measure: `rounds` of `seconds` for each server and row; many short ones outlast a disturbance."""

    rounds: int = 21
    seconds: float = 0.3
    rows: int = 200_000
    """How many rows to measure on, where a bench has rows."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One server and the request that it gets in a row."""

    process: Process
    shot: Shot


def alternate(lanes: Mapping[str, Lane], effort: Effort) -> dict[str, list[Sample]]:
    """Return the samples of each lane, the n-th of all from the same round; raises LoadError."""
    for lane in lanes.values():
        fire(lane.process.port, lane.shot, min(WARM_UP_SECONDS, effort.seconds))
    samples: dict[str, list[Sample]] = {name: [] for name in lanes}
    for _ in range(effort.rounds):
        for name, lane in lanes.items():
            samples[name].append(_sample(lane, effort.seconds))
    return samples


def _sample(lane: Lane, seconds: float) -> Sample:
    before = lane.process.cpu_seconds
    tally = fire(lane.process.port, lane.shot, seconds)
    return Sample(tally.per_second, (lane.process.cpu_seconds - before) / tally.requests * 1e6)
