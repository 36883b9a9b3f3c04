"""The document by which another body holds a school's account: no such account counts without it."""

import io
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from PIL import Image

from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.organisations.models import Organisation, PayeeAccount
from server.organisations.roles import Role
from tests.factories import make_organisation
from tests.gateways.pictures import quarters, saved
from tests.harness.app import Server
from tests.harness.callers import Caller, caller, member, staff

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
SCAN = saved(quarters(size=(600, 400)), "PNG")
OTHER = saved(quarters(size=(300, 200)), "JPEG")
OWN = {"basis": "own_account", "holder": "江畔中学（示例）", "bank": "示例银行", "number": "340800887766554433"}
AGENT = OWN | {"basis": "agent_holder", "holder": "怀宁县会计核算中心（示例）", "agent_reason": "县直学校统一核算"}


@pytest.fixture(scope="module")
async def finance(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.FINANCE)


async def school(
    client: aiohttp.ClientSession, account: dict[str, Any] | None = None
) -> tuple[Organisation, Caller, str]:
    """A school, its manager who named an account, and the account's address."""
    organisation = await make_organisation()
    manager, path = await member(client, organisation, Role.MANAGER), f"/organisations/{organisation.id}/payee-account"
    if account:
        assert await manager.status("PUT", path, account) == 200
    return organisation, manager, path


async def size_of(answer: Any) -> tuple[int, ...]:
    status, picture, headers = answer
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "image/jpeg", "private, no-store")
    return Image.open(io.BytesIO(picture)).size


async def test_an_agents_account_counts_once_its_document_was_seen(
    client: aiohttp.ClientSession, server: Server, finance: Caller
) -> None:
    _, manager, path = await school(client, AGENT)
    paper = f"{path}/document"
    assert await manager.status("GET", paper) == 204
    status, problem, _ = await finance.ask("POST", f"{path}/confirm", {})
    assert (status, problem["code"]) == (409, "document_missing")
    status, first, _ = await manager.ask("PUT", paper, SCAN, Content_Type="image/png")
    assert (status, first["state"]) == (200, "pending")
    assert await size_of(await manager.ask("GET", paper)) == (600, 400)
    looks = AuditEntry.filter(subject=f"payee_account:{first['id']}", action="payee_account.document_viewed")
    assert await looks.count() == 0
    assert await size_of(await finance.ask("GET", paper)) == (600, 400)
    assert [(one.actor_id, one.fields) for one in await looks] == [(finance.person_id, ["document_scan"])]

    status, second, _ = await manager.ask("PUT", paper, OTHER)
    assert (second["id"], second["document_scan"] != first["document_scan"]) == (first["id"], True)
    folder = server.log.parent / "files"
    assert UUID(first["document_scan"]).hex not in {file.name for file in folder.iterdir()}
    seen = {"account": first["id"], "document_scan": first["document_scan"]}
    for verb, more in (("confirm", {}), ("refuse", {"reason": "不符"})):
        status, problem, _ = await finance.ask("POST", f"{path}/{verb}", seen | more)
        assert (status, problem["code"]) == (409, "account_changed")
    seen["document_scan"] = second["document_scan"]
    status, found, _ = await finance.ask("POST", f"{path}/confirm", seen)
    assert (status, found["state"], found["document_scan"]) == (200, "confirmed", second["document_scan"])
    assert await size_of(await finance.ask("GET", paper)) == (300, 200), "of the one in force, where none waits"
    assert (await manager.ask("PUT", paper, SCAN))[1]["code"] == "no_account_waits"


async def test_whose_it_is_not_neither_puts_nor_sees_it(client: aiohttp.ClientSession, finance: Caller) -> None:
    organisation, manager, path = await school(client, AGENT)
    paper = f"{path}/document"
    assert await manager.status("PUT", paper, SCAN) == 200
    stranger, clerk = await caller(client), await member(client, organisation, Role.CLERK)
    _, another, _ = await school(client)
    for who, method, expected in (
        (clerk, "GET", 403),
        (clerk, "PUT", 403),
        (stranger, "GET", 404),
        (stranger, "PUT", 404),
        (another, "GET", 404),
        (await staff(client, Role.REVIEWER), "GET", 403),
        (finance, "PUT", 403),
    ):
        assert await who.status(method, paper, SCAN if method == "PUT" else None) == expected


async def test_the_document_of_a_past_account_is_asked_for_by_its_id(
    client: aiohttp.ClientSession, finance: Caller
) -> None:
    organisation, manager, path = await school(client, AGENT)
    _, named, _ = await manager.ask("PUT", f"{path}/document", SCAN)
    await finance.ask("POST", f"{path}/refuse", {"reason": "协议已过期"})
    assert await finance.status("GET", f"{path}/document") == 204
    of_it = f"{path}/document?account={named['id']}"
    assert await size_of(await finance.ask("GET", of_it)) == (600, 400)
    _, other, elsewhere = await school(client, AGENT)
    assert await other.status("GET", f"{elsewhere}/document?account={named['id']}") == 404
    assert await finance.status("GET", f"{elsewhere}/document?account={named['id']}") == 404
    assert await finance.status("GET", f"{path}/document?account={new_id()}") == 404
    assert await finance.status("GET", f"{path}/document?account=x") == 422
    assert await manager.status("PUT", path, AGENT) == 200
    assert await PayeeAccount.filter(organisation=organisation, document_scan_id__isnull=True).count() == 1
    assert (await finance.ask("POST", f"{path}/confirm"))[1]["code"] == "document_missing", "a new account, a new look"


async def test_only_an_agents_account_that_waits_takes_a_document_and_only_a_picture(
    client: aiohttp.ClientSession,
) -> None:
    for account, code in ((None, "no_account_waits"), (OWN, "document_for_agents")):
        _, manager, path = await school(client, account)
        status, problem, _ = await manager.ask("PUT", f"{path}/document", SCAN)
        assert (status, problem["code"]) == (409, code)
    _, manager, path = await school(client, AGENT)
    for data, expected, code in (
        (b"%PDF-1.7", 415, "scan_type"),
        (SCAN[:200], 422, "scan_broken"),
        (SCAN + bytes(5 * 1024 * 1024), 413, "body_too_large"),
    ):
        status, problem, _ = await manager.ask("PUT", f"{path}/document", data)
        assert (status, problem["code"]) == (expected, code)
    assert not (await manager.ask("GET", path))[1]["pending"]["document_scan"]


async def test_a_refused_account_is_appealed_against_before_another_of_finance(
    client: aiohttp.ClientSession, finance: Caller
) -> None:
    _, manager, path = await school(client, OWN)
    _, refused, _ = await finance.ask("POST", f"{path}/refuse", {"reason": "户名不符"})
    appeal = {"subject": f"payee_account:{refused['id']}", "reason": "户名是曾用名，已附说明"}
    status, made, _ = await manager.ask("POST", "/appeals", appeal)
    assert (status, made["state"]) == (201, "open")
    decision, verdict = f"/appeals/{made['id']}/decision", {"verdict": "overturn", "reason": "已核对"}
    reviewer = await staff(client, Role.REVIEWER)
    assert (await reviewer.ask("POST", decision, verdict))[1]["code"] == "not_yours_to_do"
    assert (await finance.ask("POST", decision, verdict))[1]["code"] == "another_person"
    for who, listed in ((finance, True), (reviewer, False)):
        _, found, _ = await who.ask("GET", "/appeals?state=open&limit=100")
        assert (made["id"] in {one["id"] for one in found["items"]}) is listed
    status, judged, _ = await (await staff(client, Role.FINANCE)).ask("POST", decision, verdict)
    assert (status, judged["state"]) == (200, "overturned")
    assert (await manager.ask("GET", path))[1]["current"]["id"] == refused["id"]
