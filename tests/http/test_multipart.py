"""Forms with a file over real HTTP: read as they are meant, refused in time where they are crooked."""

import time
from typing import Any

import aiohttp
import pytest
from sanic import Sanic

from miniprogram_api.openapi import document
from tests.harness.probe import probe
from tests.harness.waiting import allowed

pytestmark = pytest.mark.once

BOUNDARY = "boundary-of-a-test"
CRLF = "\r\n"


def part(head: str, text: str = "2026") -> str:
    return f"--{BOUNDARY}{CRLF}Content-Disposition: form-data; {head}{CRLF}{CRLF}{text}{CRLF}"


async def raw(client: aiohttp.ClientSession, body: bytes, boundary: str = BOUNDARY) -> tuple[int, str]:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    async with client.post("/probe/forms", data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def post(client: aiohttp.ClientSession, path: str, *fields: tuple[str, Any, str | None]) -> tuple[int, Any]:
    form = aiohttp.FormData(quote_fields=False)
    for name, value, filename in fields:
        form.add_field(name, value, filename=filename)
    if not form.is_multipart:
        form.add_field("file", b"", filename="")
    async with client.post(path, data=form) as answer:
        told = await (answer.json(content_type=None) if "json" in answer.content_type else answer.text())
        return answer.status, told


def faults(told: Any) -> set[str]:
    return {fault["pointer"] for fault in told["errors"]}


async def test_fields_and_file_arrive(client: aiohttp.ClientSession) -> None:
    data = b"\r\n--\0" + bytes(90_000)
    sent = ("year", "2026", None), ("note", "备注 ", None), ("file", data, "名单.xlsx")
    assert await post(client, "/probe/forms", *sent) == (200, "2026 备注  90005")
    assert await post(client, "/probe/files", *sent) == (200, "True")


@pytest.mark.parametrize("name", ["", "empty.png"])
async def test_a_file_left_out_or_empty_is_none(client: aiohttp.ClientSession, name: str) -> None:
    assert await post(client, "/probe/forms", ("year", "2026", None), ("file", b"", name)) == (200, "2026  None")
    status, told = await post(client, "/probe/files", ("year", "2026", None), ("file", b"", name))
    assert (status, faults(told)) == (422, {"/file"})


async def test_every_fault_is_listed_at_once(client: aiohttp.ClientSession) -> None:
    sent = [("note", "长" * 21, None), ("note", "b", None), ("other", "1", None), ("more", b"1", "a.png")]
    status, told = await post(client, "/probe/files", ("year", "1999", None), *sent)
    assert status == 422
    assert faults(told) == {"/year", "/note", "/other", "/more", "/file"}
    status, told = await post(client, "/probe/files", ("file", b"1", "a"), ("file", b"2", "b"))
    assert faults(told) == {"/file", "/year"}


async def test_what_is_too_large_or_no_form_is_refused(client: aiohttp.ClientSession) -> None:
    sent = ("year", "2026", None), ("file", bytes(200_000), "a.png")
    assert (await post(client, "/probe/forms", *sent))[0] == 413
    async with client.post("/probe/forms", json={"year": 2026}) as answer:
        assert answer.status == 415
        assert (await answer.json(content_type=None))["code"] == "not_a_form"


CROOKED = {
    "nothing": "",
    "no part": f"--{BOUNDARY}--",
    "cut off": part('name="year"'),
    "cut off in the file": part('name="year"')[:-4],
    "something before": "x" + part('name="year"') + f"--{BOUNDARY}--",
    "no head": f"--{BOUNDARY}{CRLF}2026{CRLF}--{BOUNDARY}--",
    "head without colon": f"--{BOUNDARY}{CRLF}head{CRLF}{CRLF}2026{CRLF}--{BOUNDARY}--",
    "long head": part('name="year"; a="' + "b" * 3000 + '"') + f"--{BOUNDARY}--",
    "unknown characters": part(f'name="year"{CRLF}Content-Type: text/plain; charset=nowhere') + f"--{BOUNDARY}--",
    "many parts": part('name="year"') * 51 + f"--{BOUNDARY}--",
}


@pytest.mark.parametrize("name", CROOKED)
async def test_a_crooked_form_is_refused(client: aiohttp.ClientSession, name: str) -> None:
    status, _ = await raw(client, CROOKED[name].encode())
    assert status in {400, 422}


@pytest.mark.parametrize("boundary", ["", "-", "a" * 71])
async def test_a_boundary_that_would_cost_much_is_refused(client: aiohttp.ClientSession, boundary: str) -> None:
    began = time.perf_counter()
    assert (await raw(client, b"-" * 100_000, boundary))[0] == 400
    assert time.perf_counter() - began < allowed(1)


async def test_bytes_that_are_no_text_are_refused(client: aiohttp.ClientSession) -> None:
    body = part('name="year"', "?").encode().replace(b"?", b"\xff\xfe") + f"--{BOUNDARY}--".encode()
    assert (await raw(client, body))[0] == 400


def test_the_document_shows_a_form() -> None:
    planted: Sanic[Any, Any] = Sanic("forms")
    planted.blueprint(probe)
    sent = document(planted)["paths"]["/probe/files"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert sent["schema"]["properties"]["file"] == {"type": "string", "format": "binary"}
    assert set(sent["schema"]["required"]) == {"year", "file"}
    assert sent["encoding"] == {"file": {"contentType": "image/png"}}
