"""The benches measure what they say: their statistics, their load generator, and one short run of all of it."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import orjson
import pytest

from scripts.benches import __main__ as bench
from scripts.benches.load import LoadError, Shot, ask, fire, request_bytes
from scripts.benches.report import Comparison, Fact, Report
from scripts.benches.stats import Sample, Summary, by_cpu, by_requests

REQUEST = request_bytes("GET", "/")
RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextlib.contextmanager
def answering(*answers: bytes, pause: float = 0) -> Iterator[int]:
    """A server on a thread that gives the answers in turn and keeps to the last; a pause splits each in two."""
    port: Future[int] = Future()
    ending = threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        coming = itertools.chain(answers, itertools.repeat(answers[-1]))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            while await reader.readuntil(b"\r\n\r\n"):
                answer = next(coming)
                writer.write(answer[:-3])
                await asyncio.sleep(pause)
                writer.write(answer[-3:])

    async def live() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port.set_result(server.sockets[0].getsockname()[1])
            while not ending.is_set():
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        yield port.result(5)
    finally:
        ending.set()
        thread.join(5)


def test_a_summary_names_the_middle_and_the_ends() -> None:
    assert Summary.of([3.0, 1.0, 2.0]) == Summary(2.0, 1.0, 3.0)
    assert Summary.of([1.0, 2.0, 3.0, 10.0]).median == 2.5


def test_ratios_pair_samples_of_one_round() -> None:
    """A round in which everything took three times as long leaves the ratio as it is."""
    ours = [Sample(100, 10), Sample(33, 30), Sample(100, 10)]
    peer = [Sample(200, 5), Sample(66, 15), Sample(200, 5)]
    assert by_cpu(ours, peer) == Summary(0.5, 0.5, 0.5)
    assert by_requests(ours, peer) == Summary(0.5, 0.5, 0.5)


def test_unequal_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        by_cpu([Sample(1, 1), Sample(1, 1)], [Sample(1, 1)])


@pytest.mark.parametrize("pause", [0, 0.005])
def test_right_answers_are_counted_whole_or_in_parts(pause: float) -> None:
    with answering(RIGHT, pause=pause) as port:
        tally = fire(port, Shot(REQUEST, 200, 5), 0.1, connections=3)
    assert tally.requests > 3
    assert tally.per_second == pytest.approx(tally.requests / tally.seconds)
    assert tally.seconds >= 0.099


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nhello", "wrong status"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nhell", "wrong status"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "missing"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!", "missing"),
    ],
)
def test_a_wrong_answer_among_right_ones_is_noticed(wrong: bytes, what: str) -> None:
    with answering(RIGHT, RIGHT, wrong, RIGHT) as port, pytest.raises(LoadError, match=what):
        fire(port, Shot(REQUEST, 200, 5), 5, connections=2)


def test_a_single_answer_is_read_with_its_headers() -> None:
    with answering(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n') as port:
        answer = asyncio.run(ask(port, REQUEST))
    assert (answer.status, answer.headers, answer.body) == (304, {"etag": '"a"'}, b"")


def test_a_report_says_figures_goals_and_ratios_twice(tmp_path: Path) -> None:
    samples = {"ours": [Sample(90, 11)], "peer": [Sample(100, 10)]}
    facts = [Fact("memory, MB", {"ours": 80.0, "peer": None}, "≤110")]
    report = Report("some", "Some", "1 round", [Comparison("page", samples, {"peer": 0.85})], facts)
    report.write(tmp_path / "a" / "some.json", tmp_path / "some.md")
    ratio = orjson.loads((tmp_path / "a" / "some.json").read_bytes())["comparisons"][0]["ratios"]["peer"]
    assert (ratio["requests"]["median"], ratio["cpu"]["median"], ratio["goal"]) == (0.9, 0.909, 0.85)
    text = (tmp_path / "some.md").read_text()
    assert "≥0.85" in text
    assert "| memory, MB | 80.00 | – | ≤110 |" in text


def test_without_a_name_the_benches_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(bench.BENCHES)


@pytest.mark.drill
def test_a_short_run_measures_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "KEPT", tmp_path)
    file = tmp_path / "mine.json"
    assert bench.main(["--rounds", "1", "--seconds", "0.2", "--json", str(file), "guide"]) == 0
    found = orjson.loads(file.read_bytes())
    assert len(found["comparisons"]) == 5
    assert found["notes"] == []
    assert all(row["servers"]["yizhitong"]["cpu_us"]["median"] > 0 for row in found["comparisons"])
    assert (tmp_path / "guide.md").exists()
