import base64
import copy
import json
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from server import secrets
from server.secrets import DEVELOPMENT, RINGS, KeyFileError, Keys
from server.settings import ROOT, Settings
from tests.harness import keys
from tests.harness.app import Server
from tests.test_settings import PRODUCTION

FILE = "development-keys.json"
KEY = keys.key("some")
READ = """
import sys
from pathlib import Path
from server.secrets import development_keys
print({ring: keys.by_id for ring, keys in development_keys(Path(sys.argv[1])).items()})
"""


def test_the_first_of_a_ring_comes_first() -> None:
    other = keys.key("other")
    ring = Keys.parse(f"k2026-11:{KEY}, k2025-11:{other}")
    assert list(ring.by_id.items()) == [("k2026-11", base64.b64decode(KEY)), ("k2025-11", base64.b64decode(other))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY,
        f":{KEY}",
        f"k:{KEY},",
        f"k:{KEY},k:{KEY}",
        f"K:{KEY}",
        f"k.1:{KEY}",
        f"{'k' * 17}:{KEY}",
        f"k:{KEY}=",
        f"k:{KEY[:-4]}",
        f"k:{KEY}{KEY}",
        f"k:{KEY}\n,",
        f"ｋ:{KEY}",
        f"k:{KEY}é",
    ],
)
def test_a_ring_that_is_not_written_as_it_should_be(text: str) -> None:
    with pytest.raises(ValueError, match="id:BASE64") as refused:
        Keys.parse(text)
    assert KEY not in str(refused.value)


def test_keys_are_never_shown_pickled_or_copied() -> None:
    ring = Keys.parse(f"k:{KEY}")
    assert repr(ring) == "Keys()"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(ring)


def test_keys_of_this_machine_are_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first = secrets.development_keys(tmp_path / "var")
    assert stat.S_IMODE((tmp_path / "var" / FILE).stat().st_mode) == 0o600
    assert secrets.development_keys(tmp_path / "var") == first
    assert list(first) == list(RINGS)
    assert len({ring.by_id[DEVELOPMENT] for ring in first.values()}) == len(RINGS)
    assert secrets.development_keys(tmp_path / "other") != first


def test_processes_that_start_together_get_the_same_keys(tmp_path: Path) -> None:
    for attempt in range(3):
        directory = tmp_path / str(attempt)
        command = [sys.executable, "-c", READ, str(directory)]
        started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(6)]
        told = {process.communicate(timeout=30)[0] for process in started}
        assert [process.returncode for process in started] == [0] * 6
        assert told == {
            f"{ {ring: found.by_id for ring, found in secrets.development_keys(directory).items()} }\n".encode()
        }


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "7", '{"token_keys": 7}', '{"token_keys": "c2hvcnQ="}', "\xff"])
def test_a_broken_file_says_so_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(KeyFileError, match=FILE):
        secrets.development_keys(tmp_path)
    assert path.read_bytes() == text.encode("latin-1")


def test_a_ring_that_a_later_version_adds_leaves_the_others_alone(tmp_path: Path) -> None:
    before = secrets.development_keys(tmp_path)
    path = tmp_path / FILE
    kept = json.loads(path.read_text())
    del kept["index_keys"]
    path.write_text(json.dumps(kept))
    after = secrets.development_keys(tmp_path)
    assert [ring for ring in RINGS if before[ring] != after[ring]] == ["index_keys"]
    assert secrets.development_keys(tmp_path) == after


def test_a_server_with_a_broken_file_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    nothing = dict.fromkeys(keys.ENVIRONMENT, "")
    server = Server(tmp_path / "log", {"YZT_DATA_DIR": str(tmp_path), **nothing}, module="server", forked=False)
    server.start()
    assert server.ended() == 1
    [line] = server.log.read_text().splitlines()
    assert FILE in line
    assert "broken" in line


def test_keys_that_are_given_go_before_this_machines(tmp_path: Path) -> None:
    settings = Settings.from_env({"YZT_DATA_DIR": str(tmp_path), "YZT_TOKEN_KEYS": f"k:{KEY}"})
    assert [list(settings.keys()[ring].by_id) for ring in RINGS] == [["k"], *[[DEVELOPMENT]] * (len(RINGS) - 1)]


def test_production_makes_no_keys_for_itself(tmp_path: Path) -> None:
    Settings.from_env({**PRODUCTION, "YZT_DATA_DIR": str(tmp_path)}).keys()
    assert list(tmp_path.iterdir()) == []
