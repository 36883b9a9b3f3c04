"""A student with a number and a name that stand nowhere else: after all they did, neither is found anywhere."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import redis

from tests.harness import app
from tests.harness.app import TOKEN
from tests.harness.people import SignedIn
from tests.harness.postgres import Postgres
from tests.harness.redis import Redis
from tests.harness.standin import StandIn

PHONE = "13970531864"
NAME = "欧阳鸢尾"
OPENID = "canary-of-the-tests"
JSON = {"Content-Type": "application/json"}
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


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
        yield "number", int(value).to_bytes(5, "big")
        yield "number, little end first", int(value).to_bytes(5, "little")
        yield "in groups", f"{value[:3]} {value[3:7]} {value[7:]}".encode()


WANTED = [(f"{value} {name}", form) for value in (PHONE, NAME) for name, form in forms(value)]

ANY = re.compile(b"|".join(re.escape(form) for _, form in WANTED))


def found(places: dict[str, bytes]) -> list[str]:
    suspect = {place: data for place, data in places.items() if ANY.search(data)}
    return [f"{name} in {place}" for place, data in suspect.items() for name, form in WANTED if form in data]


def test_the_search_finds_what_lies_about() -> None:
    for name, form in WANTED:
        assert f"{name} in here" in found({"here": b"\x81\x82" + form + b"\x83"})
    assert found({"here": base64.b64encode(f"to {PHONE}!".encode())})
    assert found({"here": f"*******{PHONE[-4:]} *{NAME[-1]}".encode()}) == []


class Student:
    """Who calls, and keeps every answer with its headers."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client
        self.answers: list[bytes] = []

    async def ask(self, status: int | None, method: str, path: str, **more: Any) -> None:
        async with self.client.request(method, path, **more) as answer:
            body = await answer.read()
            assert status in {answer.status, None}, (path, body)
            shown = body.replace(NAME.encode(), b"") if answer.ok else body  # one's own name is for oneself to see
            self.answers += [repr(answer.headers).encode(), shown]


async def live(client: aiohttp.ClientSession, standin: StandIn) -> list[bytes]:
    """Do all that a student can do, and all that can go wrong with a number; return what was answered."""
    student, me = Student(client), "/api/v1/me"
    mine = await SignedIn.at(client, standin, OPENID)
    own = {"headers": {**mine.headers, "User-Agent": PHONE, "Referer": f"https://example.org/{PHONE}"}}
    code = standin.phone_code(PHONE)
    await student.ask(200, "PATCH", me, json={"name": NAME}, **own)
    await student.ask(200, "POST", f"{me}/phone", json={"code": code}, **own)
    await student.ask(200, "GET", me, **own)
    await student.ask(200, "POST", "/api/v1/sessions/refresh", json={"refresh_token": mine.refresh})
    await student.ask(201, "POST", "/api/v1/sessions", json={"code": standin.code(OPENID)})
    await student.ask(422, "POST", f"{me}/phone", json={"code": code}, **own)
    await student.ask(422, "POST", f"{me}/phone", json={"code": PHONE}, **own)
    await student.ask(422, "POST", "/api/v1/sessions", json={"code": PHONE})
    await student.ask(422, "PATCH", me, json={"name": f"{NAME}{PHONE}"}, **own)
    await student.ask(422, "PATCH", me, json={"name": NAME, "phone": PHONE}, **own)
    await student.ask(400, "PATCH", me, data=f'{{"name": "{NAME}', headers={**mine.headers, **JSON})
    await student.ask(422, "GET", f"{me}?phone={PHONE}", **own)
    await student.ask(404, "GET", f"/api/v1/people/{PHONE}", **own)
    await student.ask(401, "GET", me, headers={"Authorization": f"Bearer {PHONE}"})
    for fault in ({"html": True}, {"drop": True}, {"errcode": -1}, {"status": 500}):
        standin.fault("/wxa/business/getuserphonenumber", times=1, **fault)
        await student.ask(None, "POST", f"{me}/phone", json={"code": standin.phone_code(PHONE)}, **own)
    await student.ask(200, "GET", me, **own)
    await student.ask(200, "GET", "/metrics", headers=OPERATOR)
    await student.ask(200, "GET", "/health/ready")
    return student.answers


def files(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def sqlite_files(url: str) -> bytes:
    """The database and what it has not yet taken over from its log."""
    path = Path(url.removeprefix("sqlite://"))
    return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


async def postgres_files(postgres: Postgres) -> bytes:
    """All that PostgreSQL has written, its log of changes included."""
    await postgres.execute("postgres", "CHECKPOINT")
    return files(postgres.directory)


def redis_dump(server: Redis) -> bytes:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("rdbcompression", "no")
        client.save()
    return (server.socket.parent / "dump.rdb").read_bytes()


async def test_neither_number_nor_name_is_found_anywhere(
    settings: dict[str, str],
    standin: StandIn,
    redis_server: Redis,
    postgres_server: Postgres | None,
    tmp_path: Path,
) -> None:
    settings |= {"YZT_WECHAT_URL": standin.base, "YZT_REDIS_URL": redis_server.url, "YZT_LOG_LEVEL": "DEBUG"}
    with app.running(tmp_path / "log", **settings) as server:
        async with aiohttp.ClientSession(server.base) as client:
            answers = await live(client, standin)
        places = {
            "answers": b"\n".join(answers),
            "database": b"" if postgres_server else sqlite_files(settings["YZT_DATABASE_URL"]),
            "Redis": redis_dump(redis_server),
        }
    closed = await postgres_files(postgres_server) if postgres_server else sqlite_files(settings["YZT_DATABASE_URL"])
    places["database"] += closed
    places["log"] = server.log.read_bytes()
    places["data folder"] = files(tmp_path)
    assert found(places) == []
    assert f"*******{PHONE[-4:]}".encode() in places["answers"]
    assert OPENID.encode() in places["database"]
    assert b'"path"' in places["log"] or b"/me" in places["log"]
    assert len(places["Redis"]) > 100
