"""The scan of a licence and a school's mini-program code: who gets them, and what is never taken."""

import asyncio
import io
import time
import zipfile
from collections.abc import Iterator
from uuid import UUID

import aiohttp
import pytest
from PIL import Image

from miniprogram_api.protocol import UNREAD_BYTES
from server.gateways.seals import Seals
from server.kernel.audit import AuditEntry
from server.organisations import codes
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_organisation
from tests.gateways.pictures import bomb, quarters, saved
from tests.harness.app import Server
from tests.harness.callers import API, Caller, caller, member, staff
from tests.harness.raw import send, send_slowly
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
SCAN = saved(quarters(size=(600, 400)), "PNG")


async def test_a_licence_is_kept_sealed_and_shown_to_those_entitled(
    client: aiohttp.ClientSession, server: Server, reviewer: Caller
) -> None:
    organisation = await make_organisation(Kind.ENTERPRISE)
    manager, clerk = [await member(client, organisation, role) for role in (Role.MANAGER, Role.CLERK)]
    path = f"/organisations/{organisation.id}/licence"
    assert await manager.status("GET", path) == 204
    status, found, headers = await manager.ask("PUT", path, SCAN, Content_Type="image/png")
    assert (status, found["has_licence_scan"], headers["ETag"]) == (200, True, '"2"')
    status, picture, headers = await manager.ask("GET", path)
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
    assert "no-store" in headers["Cache-Control"]
    assert Image.open(io.BytesIO(picture)).size == (600, 400)
    stranger = await caller(client)
    for who, method, expected in (
        (clerk, "GET", 403),
        (clerk, "PUT", 403),
        (stranger, "GET", 404),
        (stranger, "PUT", 404),
        (await staff(client, Role.EDITOR), "GET", 403),
        (reviewer, "PUT", 403),
    ):
        assert await who.status(method, path, SCAN if method == "PUT" else None) == expected
    looks = AuditEntry.filter(subject=f"organisation:{organisation.id}", action="organisation.licence_viewed")
    assert await looks.count() == 0
    assert (await reviewer.ask("GET", path))[1] == picture
    assert [(entry.actor_id, entry.fields) for entry in await looks] == [(reviewer.person_id, ["licence_scan"])]
    colleague = (await make_member(organisation, Role.CLERK)).person
    await make_member(await secretariat(), Role.REVIEWER, colleague)
    assert await (await caller(client, colleague.id)).status("GET", path) == 200
    assert await looks.filter(actor_id=colleague.id).count() == 1
    folder = server.log.parent / "files"
    before = {file.name for file in folder.iterdir()}
    assert await manager.status("PUT", path, saved(quarters(size=(500, 300)), "JPEG")) == 200
    after = {file.name for file in folder.iterdir()}
    assert (len(after), len(before - after)) == (len(before), 1)
    assert all(b"\xff\xd8\xff" not in file.read_bytes()[:200] for file in folder.iterdir())


async def test_what_is_no_harmless_picture_is_refused(client: aiohttp.ClientSession) -> None:
    organisation = await make_organisation(Kind.ENTERPRISE)
    manager = await member(client, organisation, Role.MANAGER)
    path = f"/organisations/{organisation.id}/licence"
    large = SCAN + b"\0" * (5 * 1024 * 1024)
    for data, status, code in (
        (b"%PDF-1.7", 415, "scan_type"),
        (b"<svg/>", 415, "scan_type"),
        (b"", 415, "scan_type"),
        (b"--x\r\nContent-Disposition: form-data; filename=../../x.png\r\n\r\n" + SCAN, 415, "scan_type"),
        (bomb(10_000, 5_000), 422, "scan_pixels"),
        (SCAN[:200], 422, "scan_broken"),
        (large, 413, "body_too_large"),
    ):
        found = await manager.ask("PUT", path, data, Content_Type="image/png")
        assert (found[0], found[1]["code"]) == (status, code)
    assert (await Organisation.get(id=organisation.id)).version == 1
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.html", "<script>")
    assert await manager.status("PUT", path, SCAN + archive.getvalue()) == 200
    assert b"index.html" not in (await manager.ask("GET", path))[1]


async def test_a_scan_may_be_larger_than_any_other_body(client: aiohttp.ClientSession) -> None:
    organisation = await make_organisation(Kind.ENTERPRISE)
    manager = await member(client, organisation, Role.MANAGER)
    data = saved(Image.effect_noise((2200, 1800), 100), "PNG")
    assert 3 * 1024 * 1024 < len(data) < 5 * 1024 * 1024
    assert await manager.status("PUT", f"/organisations/{organisation.id}/licence", data) == 200


@pytest.mark.parametrize("signed_in", [True, False])
async def test_who_sends_too_much_is_told_so_before_the_connection_ends(
    client: aiohttp.ClientSession, server: Server, *, signed_in: bool
) -> None:
    """A server that closes while the client still sends takes its own answer away again."""
    organisation = await make_organisation(Kind.ENTERPRISE)
    manager = await member(client, organisation, Role.MANAGER)
    path, data = f"{API}/organisations/{organisation.id}/licence", SCAN + bytes(6 * 1024 * 1024 - len(SCAN))
    token = manager.token if signed_in else "none"
    status, code = (413, "body_too_large") if signed_in else (401, "not_signed_in")
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    plain = f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n"
    for sent in (plain, chunked):
        found = await asyncio.to_thread(send, server, sent, seconds=0.5)
        assert (found.statuses, code.encode() in found.received) == ([status], True)
    for _ in range(5):
        async with client.put(path, data=io.BytesIO(data), headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (status, code)


async def test_who_goes_on_and_on_is_cut_off(client: aiohttp.ClientSession, server: Server) -> None:
    organisation = await make_organisation(Kind.ENTERPRISE)
    manager = await member(client, organisation, Role.MANAGER)
    path = f"{API}/organisations/{organisation.id}/licence"
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {manager.token}\r\n"
    large, sent = f"{head}Content-Length: 1000000000\r\n\r\n".encode(), 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        yield large
        while sent < 10 * UNREAD_BYTES:
            yield bytes(2**20)
            sent += 2**20

    assert (await asyncio.to_thread(send_slowly, server, parts())).closed
    assert UNREAD_BYTES <= sent < 2 * UNREAD_BYTES
    began = time.monotonic()
    silent = await asyncio.to_thread(send, server, large)
    assert (silent.statuses, silent.closed, time.monotonic() - began < allowed(3)) == ([413], True, True)


async def test_a_schools_code_is_drawn_once_and_names_the_school(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    school = await make_organisation()
    clerk, path = await member(client, school, Role.CLERK), f"/organisations/{school.id}/code.png"
    before = standin.calls("/wxa/getwxacodeunlimit")
    status, picture, headers = await clerk.ask("GET", path)
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert (await clerk.ask("GET", path))[1] == picture
    assert standin.calls("/wxa/getwxacodeunlimit") == before + 1
    assert await (await caller(client)).status("GET", path) == 404
    firm = await make_organisation(Kind.ENTERPRISE)
    found = await (await member(client, firm, Role.CLERK)).ask("GET", f"/organisations/{firm.id}/code.png")
    assert (found[0], found[1]["code"]) == (409, "code_for_schools")


def test_a_scene_names_an_organisation_and_nobody_can_make_one_up() -> None:
    old, new = Seals({"a": b"a" * 32}), Seals({"b": b"b" * 32, "a": b"a" * 32})
    organisation = UUID("01900000-0000-7000-8000-00000000abcd")
    scene = codes.scene_of(organisation, old)
    assert len(scene) == 32
    assert codes.organisation_of(scene, old) == codes.organisation_of(scene, new) == organisation
    assert codes.organisation_of(codes.scene_of(organisation, new), old) is None
    forged = [scene[:place] + ("A" if scene[place] != "A" else "B") + scene[place + 1 :] for place in range(32)]
    for text in (*forged, scene[:-1], scene + "A", "", "校" * 32, scene.lower()):
        assert codes.organisation_of(text, old) is None
    with pytest.raises(TypeError):
        old.__reduce__()
