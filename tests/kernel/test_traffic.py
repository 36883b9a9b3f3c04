"""Requests are counted and logged together, and nothing is lost on the way to Prometheus."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from server.kernel.traffic import BOUNDS, WORK_OFF_SECONDS, Traffic


async def test_lines_come_together_and_by_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    traffic = Traffic()
    traffic.logged = True
    for number in range(3):
        traffic.note(f"id-{number}", "GET", "guide/<edition>", 200, 0.0005)
    assert capsys.readouterr().out == ""
    text = ""
    while text.count("\n") < 3:
        await asyncio.sleep(WORK_OFF_SECONDS)
        text += capsys.readouterr().out
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["request_id"] for line in lines] == ["id-0", "id-1", "id-2"]
    expected = {"event": "request", "method": "GET", "route": "guide/<edition>", "status": 200, "ms": 0.5}
    assert expected.items() <= lines[0].items()
    assert "timestamp" in lines[0]


async def test_a_silent_one_counts_without_writing(capsys: pytest.CaptureFixture[str]) -> None:
    traffic = Traffic()
    registry = CollectorRegistry()
    registry.register(traffic)
    traffic.note("id", "GET", "x", 404, 0.3)
    labels = {"method": "GET", "route": "x", "status": "404"}
    assert registry.get_sample_value("yizhitong_request_seconds_count", labels) == 1
    assert capsys.readouterr().out == ""


@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_the_histogram_agrees_with_counting(seconds: list[float]) -> None:
    async def run() -> CollectorRegistry:
        traffic, registry = Traffic(), CollectorRegistry()
        registry.register(traffic)
        for value in seconds:
            traffic.note("id", "GET", "x", 200, value)
        traffic.work_off()
        return registry

    registry = asyncio.run(run())
    labels = {"method": "GET", "route": "x", "status": "200"}
    for bound in BOUNDS:
        counted = registry.get_sample_value("yizhitong_request_seconds_bucket", {**labels, "le": str(bound)})
        assert counted == sum(value <= bound for value in seconds)
    assert registry.get_sample_value("yizhitong_request_seconds_sum", labels) == pytest.approx(sum(seconds))
