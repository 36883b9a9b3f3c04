"""What a bench found, as Markdown for people and JSON for whoever compares runs."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from scripts.benches import processes
from scripts.benches.stats import Sample, Summary, by_cpu, by_requests

_PACKAGES = ("sanic", "uvloop", "httptools", "tortoise-orm", "asyncpg", "fastapi", "uvicorn", "pydantic")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of work: the samples of each server, ours first, and the ratio wanted against each peer."""

    name: str
    samples: Mapping[str, Sequence[Sample]]
    goals: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return figures and rounds."""
        return {
            "name": self.name,
            "note": self.note,
            "servers": {name: _server(samples) for name, samples in self.samples.items()},
            "ratios": {
                name: {"cpu": cpu.as_dict(), "requests": requests.as_dict(), "goal": self.goals.get(name)}
                for name, cpu, requests in self.ratios()
            },
        }

    def ratios(self) -> list[tuple[str, Summary, Summary]]:
        """Return for each peer our ratio by processor time and by requests, both from paired rounds."""
        ours, *peers = self.samples
        first = self.samples[ours]
        return [(peer, by_cpu(first, self.samples[peer]), by_requests(first, self.samples[peer])) for peer in peers]

    def markdown(self) -> list[str]:
        """Return one line per server."""
        lines = [f"### {self.name}", "", *([self.note, ""] if self.note else [])]
        lines += _table_head(
            "server", "requests/s: median", "min", "max", "CPU µs/request: median", "min", "max",
            "ours against it by CPU", "by requests", "goal",
        )  # fmt: skip
        ratios = {name: (_spread(cpu), _spread(requests)) for name, cpu, requests in self.ratios()}
        for name, samples in self.samples.items():
            rate, cpu = _summaries(samples)
            goal = f"≥{self.goals[name]}" if name in self.goals else ""
            figures = [f"{rate.median:.0f}", f"{rate.min:.0f}", f"{rate.max:.0f}"]
            figures += [f"{cpu.median:.1f}", f"{cpu.min:.1f}", f"{cpu.max:.1f}"]
            lines.append(_table_row(name, *figures, *ratios.get(name, ("", "")), goal))
        return [*lines, ""]


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of several servers, ours first; None where there is none."""

    name: str
    figures: Mapping[str, float | str | None]
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one bench found."""

    name: str
    title: str
    effort: str
    comparisons: Sequence[Comparison] = ()
    facts: Sequence[Fact] = ()
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what `var/bench/NAME.json` holds."""
        return {
            "bench": self.name,
            "machine": machine(),
            "effort": self.effort,
            "comparisons": [comparison.as_json() for comparison in self.comparisons],
            "facts": [{"name": fact.name, "figures": dict(fact.figures), "goal": fact.goal} for fact in self.facts],
            "notes": list(self.notes),
        }

    def markdown(self) -> str:
        """Return the same for people."""
        lines = [f"# {self.title}", ""]
        lines += [f"- {name}: {value}" for name, value in machine().items()]
        lines += [f"- effort: {self.effort}", ""]
        for comparison in self.comparisons:
            lines += comparison.markdown()
        lines += [*_fact_table(self.facts), *self.notes]
        return "\n".join(lines).rstrip() + "\n"

    def write(self, json_file: Path, markdown_file: Path) -> None:
        """Write both, making their folders."""
        for file, text in (
            (json_file, orjson.dumps(self.as_json(), option=orjson.OPT_INDENT_2)),
            (markdown_file, self.markdown().encode()),
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)


def machine() -> dict[str, str]:
    """Return where and with what this ran."""
    cpu_info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in cpu_info if line.startswith("model name")), "")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{model or platform.machine()}, Linux {platform.release()}",
        "cores": processes.cores(),
        "python": platform.python_version(),
        "versions": ", ".join(f"{package} {version(package)}" for package in _PACKAGES),
    }


def _server(samples: Sequence[Sample]) -> dict[str, Any]:
    rate, cpu = _summaries(samples)
    return {
        "requests_per_second": rate.as_dict(1),
        "cpu_us": cpu.as_dict(2),
        "rounds": [[round(one.requests_per_second, 1), round(one.cpu_us, 2)] for one in samples],
    }


def _summaries(samples: Sequence[Sample]) -> tuple[Summary, Summary]:
    rate = Summary.of([sample.requests_per_second for sample in samples])
    return rate, Summary.of([sample.cpu_us for sample in samples])


def _fact_table(facts: Sequence[Fact]) -> list[str]:
    if not facts:
        return []
    servers = list(dict.fromkeys(server for fact in facts for server in fact.figures))
    lines = _table_head("", *servers, "goal")
    for fact in facts:
        figures = [_figure(fact.figures.get(server)) for server in servers]
        lines.append(_table_row(fact.name, *figures, fact.goal))
    return [*lines, ""]


def _figure(figure: float | str | None) -> str:
    if figure is None:
        return "–"
    if isinstance(figure, float):
        return f"{figure:.3f}" if figure < 1 else f"{figure:.2f}"
    return str(figure)


def _spread(summary: Summary) -> str:
    return f"**{summary.median:.2f}** ({summary.min:.2f}–{summary.max:.2f})"


def _table_head(*names: str) -> list[str]:
    return [_table_row(*names), _table_row("---", *("---:" for _ in names[1:]))]


def _table_row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
