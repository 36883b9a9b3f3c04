"""How it is served: beside the API in the default run, alone for several processes, never in production."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.kernel import clock
from server.settings import ROOT
from tests.harness import standin as wechat
from tests.harness.app import Server, free_port
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed
from tests.standin.calling import SIGN_IN

pytestmark = pytest.mark.once


@pytest.fixture
def default_run(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """`python -m server` with no word about WeChat."""
    server = Server(tmp_path / "log", {}, "server")
    server.environment = {
        "YZT_DATABASE_URL": database_url,
        "YZT_DATA_DIR": str(tmp_path),
        "YZT_WECHAT_URL": "",
        "YZT_STANDIN_PORT": str(free_port()),
    }
    server.start()
    yield server
    if server.process and server.process.poll() is None:
        server.kill()


def played(server: Server) -> StandIn:
    return StandIn(Server(server.log, {}, port=int(server.environment["YZT_STANDIN_PORT"])))


def test_the_default_run_serves_both_and_stops_at_once(default_run: Server) -> None:
    default_run.wait_until_live(path="/health/ready")
    standin = played(default_run)
    assert standin.code("demo-student")  # no waiting: it was there before the API
    assert standin.base in default_run.log.read_text()
    began = time.monotonic()
    assert default_run.stop() == 0
    assert time.monotonic() - began < allowed(5)
    for base in (default_run.base, standin.base):
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(base, timeout=1)  # noqa: S310
    assert "Traceback" not in default_run.log.read_text()


def test_one_process_has_one_clock(default_run: Server) -> None:
    """What the stand-in moves is the API's time too: an access token of a quarter of an hour ago is spent."""
    default_run.wait_until_live(path="/health/ready")
    standin = played(default_run)
    body = json.dumps({"code": standin.code("demo-student")}).encode()
    status, session = asked(default_run, "/api/v1/sessions", body, {"Content-Type": "application/json"})
    assert status == 201
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    assert asked(default_run, "/api/v1/me", None, bearer)[0] == 200
    standin.clock(clock.now() + timedelta(minutes=16))
    assert asked(default_run, "/api/v1/me", None, bearer)[0] == 401
    standin.clock(None)
    assert asked(default_run, "/api/v1/me", None, bearer)[0] == 200


def asked(server: Server, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(server.base + path, body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("event", ["before_server_start", "after_server_start"])
def test_told_to_stop_while_it_starts_it_stops(event: str, tmp_path: Path) -> None:
    """Sanic may have answered by then, so whoever started it may think that it hears."""
    server = Server(tmp_path / "log", {"YZT_DATA_DIR": str(tmp_path)}, "tests.harness.stopping", (event,))
    server.start()
    assert server.ended(30) == 0, server.log.read_text()
    assert "Traceback" not in server.log.read_text()


def test_who_is_signing_in_while_it_stops_is_let_in(default_run: Server) -> None:
    default_run.wait_until_live(path="/health/ready")
    standin = played(default_run)
    body = json.dumps({"code": standin.code("demo-student")}).encode()
    standin.fault(SIGN_IN, delay_ms=1000)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(asked, default_run, "/api/v1/sessions", body, {"Content-Type": "application/json"})
        while not standin.calls(SIGN_IN):
            time.sleep(0.02)
        default_run.signal(signal.SIGTERM)
        assert answer.result()[0] == 201
    assert default_run.ended() == 0


def test_it_stops_with_calls_and_events_under_way_and_with_a_second_signal(default_run: Server) -> None:
    default_run.wait_until_live(path="/health/ready")
    standin = played(default_run)
    standin.callback_mode(base=f"http://127.0.0.1:{free_port()}")
    standin.allow("anna", "standin-referral-decided", times=5)
    standin.fault("*", delay_ms=60_000)
    with socket.create_connection(("127.0.0.1", standin.server.port)) as hanging:
        hanging.sendall(b"GET /sns/jscode2session HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while not standin.calls():
            time.sleep(0.02)
        default_run.signal(signal.SIGTERM)
        default_run.signal(signal.SIGTERM)
        assert default_run.ended(5) == 0
    assert "Traceback" not in default_run.log.read_text()


def refused(*arguments: str, **environment: str) -> tuple[int, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("YZT_")}
    result = subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return result.returncode, result.stderr


@pytest.mark.parametrize("arguments", [(), ("standin",)])
def test_a_taken_port_is_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, words = refused(*arguments, YZT_DATA_DIR=str(tmp_path), YZT_STANDIN_PORT=port, YZT_PORT=str(free_port()))
    assert code == 1
    assert words.count("\n") == 1
    assert f"127.0.0.1:{port} (YZT_STANDIN_PORT): Address already in use" in words


def test_production_does_not_even_load_it() -> None:
    program = """
import sys
import server.__main__ as command
from server.settings import Env, Settings, SettingsError
loaded = [name for name in sys.modules if name.startswith(("server.standin", "segno"))]
assert not loaded, loaded
try:
    command.standin(Settings(env=Env.PRODUCTION))
except SettingsError as error:
    print(error)
assert "server.standin" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "development and tests" in result.stdout


def test_alone_it_listens_on_the_loopback_and_stops_when_told(tmp_path: Path) -> None:
    with wechat.running(tmp_path / "log", YZT_DATA_DIR=str(tmp_path), YZT_HOST="::1") as standin:
        assert standin.code("anna")
        assert listening_on(standin.server.port) == {"0100007F"}
        began = time.monotonic()
        assert standin.server.stop() == 0
        assert time.monotonic() - began < allowed(5)
    assert "Traceback" not in (tmp_path / "log").read_text()


def listening_on(port: int) -> set[str]:
    """The addresses, as the kernel writes them, that take connections on `port`."""
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    sockets = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, number in sockets if int(number, 16) == port}
