"""People whose numbers and names stand nowhere else: after all that they and others did, none is found anywhere."""

import base64
import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import redis

from server import db
from tests.harness import app, keys
from tests.harness.canary import ACCOUNT, EVERYTHING, NAME, NUMBER, OPENID, PHONE, Town, be_paid, live, speak
from tests.harness.forking import command
from tests.harness.postgres import Postgres
from tests.harness.redis import Redis
from tests.harness.sending import PUPIL_NUMBER, SENT, send
from tests.harness.standin import StandIn


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Every way in which a value may lie about, with a name for it."""
    data = value.encode()
    yield "plain", data
    yield "reversed", value[::-1].encode()
    yield "UTF-16", value.encode("utf-16-le")
    yield "hex", data.hex().encode()
    yield "HEX", data.hex().upper().encode()
    yield "escaped", json.dumps(value).strip('"').encode()
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data + bytes(3))[-(-shift * 4 // 3) : (shift + len(data)) * 4 // 3]
        yield f"base64, {shift}", text
        yield f"base64url, {shift}", text.translate(bytes.maketrans(b"+/", b"-_"))
    for algorithm in ("md5", "sha1", "sha256"):  # without a key, every number there is can be tried
        yield algorithm, hashlib.new(algorithm, data).digest()
        yield f"{algorithm} in hex", hashlib.new(algorithm, data).hexdigest().encode()
    if value.isdigit():
        length = (int(value).bit_length() + 7) // 8
        yield "number", int(value).to_bytes(length, "big")
        yield "number, little end first", int(value).to_bytes(length, "little")
        yield "in groups", f"{value[:3]} {value[3:7]} {value[7:]}".encode()
        yield "in fours", " ".join(re.findall(".{1,4}", value)).encode()


WANTED = [(f"{value} {name}", form) for value in (*EVERYTHING, *SENT) for name, form in forms(value)]
WANTED += [("county and birth", NUMBER[:14].encode()), ("birth", NUMBER[6:14].encode())]
WANTED += [("a pupil's county and birth", PUPIL_NUMBER[:14].encode())]

ANY = re.compile(b"|".join(re.escape(form) for _, form in WANTED))


def found(places: dict[str, bytes]) -> list[str]:
    suspect = {place: data for place, data in places.items() if ANY.search(data)}
    return [f"{name} in {place}" for place, data in suspect.items() for name, form in WANTED if form in data]


def test_the_search_finds_what_lies_about() -> None:
    for name, form in WANTED:
        assert f"{name} in here" in found({"here": b"\x81\x82" + form + b"\x83"})
    assert found({"here": base64.b64encode(f"to {PHONE}!".encode())})
    assert found({"here": f"*******{PHONE[-4:]} *{NAME[-1]}".encode()}) == []


def files(directory: Path, since: float = 0) -> bytes:
    """What lies in a directory, or the file itself, as far as it was written to since then."""
    paths = [path for path in (directory, *sorted(directory.rglob("*"))) if path.is_file()]
    return b"".join(path.read_bytes() for path in paths if path.stat().st_mtime >= since)


def sqlite_files(url: str) -> bytes:
    """The database and what it has not yet taken over from its log."""
    path = Path(url.removeprefix("sqlite://"))
    return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


async def postgres_files(postgres: Postgres, url: str, since: float) -> bytes:
    """All that PostgreSQL has written since then, its log of changes included, without other tests' databases."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CHECKPOINT")
        ours = await connection.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
    finally:
        await connection.close()
    places = [one for one in postgres.directory.iterdir() if one.name != "base"]
    return b"".join(files(place, since) for place in [*places, postgres.directory / "base" / str(ours)])


def redis_dump(server: Redis) -> bytes:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("rdbcompression", "no")
        client.save()
    return (server.socket.parent / "dump.rdb").read_bytes()


def backed_up(url: str, directory: Path, postgres: Postgres | None) -> bytes:
    """A backup by the command, taken apart where it is packed."""
    programs = f"{postgres.programs}{os.pathsep}{os.environ['PATH']}" if postgres else os.environ["PATH"]
    here = {**os.environ, "PATH": programs}
    settings = {"YZT_DATABASE_URL": url, "YZT_DATA_DIR": str(directory.parent)} | keys.ENVIRONMENT
    made = command("backup", str(directory), **settings, PATH=programs)
    assert made.returncode == 0, made.stderr
    packed = [path for path in directory.rglob("*") if path.is_file() and path.read_bytes()[:5] == b"PGDMP"]
    assert bool(packed) is bool(postgres)
    unpacked = [
        subprocess.run(["pg_restore", "-f", "-", path], env=here, capture_output=True, check=True) for path in packed
    ]
    return b"".join([(made.stdout + made.stderr).encode(), files(directory), *(one.stdout for one in unpacked)])


async def test_no_number_and_no_name_is_found_anywhere(
    settings: dict[str, str],
    standin: StandIn,
    redis_server: Redis,
    postgres_server: Postgres | None,
    tmp_path: Path,
) -> None:
    settings |= {"YZT_WECHAT_URL": standin.base, "YZT_REDIS_URL": redis_server.url, "YZT_LOG_LEVEL": "DEBUG"}
    url, began = settings["YZT_DATABASE_URL"], time.time()
    with app.running(tmp_path / "log", **settings) as server:
        async with aiohttp.ClientSession(server.base) as client, db.opened(url, everywhere=True):
            town = Town(client, standin)
            for acts in (live, speak, be_paid, send):
                await acts(town)
        places = {
            "answers": b"\n".join(town.answers),
            "database": b"" if postgres_server else sqlite_files(url),
            "Redis": redis_dump(redis_server),
            "backup": backed_up(url, tmp_path / "backup", postgres_server),
        }
    written = await postgres_files(postgres_server, url, began - 1) if postgres_server else sqlite_files(url)
    places["database"] += written
    places["log"] = server.log.read_bytes()
    places["data folder"] = files(tmp_path)
    assert found(places) == []
    masked = (f"*******{PHONE[-4:]}", f"*{NAME[-1]}", f"*{NUMBER[-2:]}", f"*{ACCOUNT[-4:]}")
    assert all(mask.encode() in places["answers"] for mask in masked)
    assert all(OPENID.encode() in places[place] for place in ("database", "backup"))
    assert b'"path"' in places["log"] or b"/me" in places["log"]
    assert len(places["Redis"]) > 100
