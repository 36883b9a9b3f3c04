"""Disputes over HTTP: evidence, decisions, undoing, withdrawal, and that no school is told of the other."""

import io
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.organisations.models import Membership
from server.organisations.roles import Role
from server.referrals.models import Evidence, ReferralDecision, ReferralState
from tests.gateways.pictures import quarters, saved
from tests.harness.app import Server
from tests.harness.callers import Caller, caller, member, staff
from tests.referrals.disputing import Dispute, disputed

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
SCAN = saved(quarters(size=(600, 400)), "PNG")
DECISION = {"verdict": "uphold", "reason": "志愿表齐全"}
REASON = {"reason": "登记有误"}
Answer = tuple[int, Any]


async def dispute_of(
    client: aiohttp.ClientSession, *states: ReferralState, days: int = 5
) -> tuple[Dispute, list[Caller]]:
    """Claims for this year, heard for so many days yet, and a clerk of each school."""
    today = clock.today()
    dispute = await disputed(*states, year=today.year, until=today + timedelta(days=days))
    return dispute, [await caller(client, clerk.person_id) for clerk in dispute.clerks]


def paths(dispute: Dispute) -> list[str]:
    return [f"/referrals/{claim.id}" for claim in dispute.claims]


async def put_forward(who: Caller, path: str, note: str | None = "见附件", file: bytes | None = None) -> Answer:
    form = aiohttp.FormData(default_to_multipart=True)
    if note is not None:
        form.add_field("note", note)
    if file is not None:
        form.add_field("file", io.BytesIO(file), filename="志愿表.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {who.token}"}
    async with who.client.post(f"/api/v1{path}/evidence", data=form, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def secrets(dispute: Dispute, place: int) -> Sequence[str]:
    """What no other school is told of a claim."""
    claim, school = dispute.claims[place], dispute.schools[place]
    return [str(claim.id), claim.number, str(school.id), school.name, str(dispute.clerks[place].person_id)]


async def test_a_dispute_is_heard_decided_undone_and_decided_again(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    dispute, clerks = await dispute_of(client)
    first, second = paths(dispute)
    status, refused, _ = await reviewer.ask("POST", f"{second}/decision", DECISION)
    assert (status, refused["code"]) == (409, "evidence_still_open")
    until = clock.today() + timedelta(days=5)
    assert until.isoformat() in refused["detail"]
    for who, path in zip(clerks, (first, second), strict=True):
        status, made = await put_forward(who, path)
        assert (status, made["note"], made["has_scan"]) == (201, "见附件", False)
    status, decided, headers = await reviewer.ask("POST", f"{second}/decision", DECISION, If_Match='"1"')
    assert (status, decided["state"], decided["in_dispute"], headers["ETag"]) == (200, "registered", False, '"2"')
    [decision] = await ReferralDecision.filter(referral_id=dispute.claims[1].id)
    assert (decision.reason, decision.actor_id) == (DECISION["reason"], reviewer.person_id)
    status, lost, _ = await clerks[0].ask("GET", first)
    assert (status, lost["state"], lost["lost_to_another"], lost["in_dispute"]) == (200, "rejected", True, False)
    status, undone, _ = await reviewer.ask("POST", f"{first}/decision/undo", REASON)
    assert (status, undone["state"], undone["in_dispute"]) == (200, "registered", True)
    assert date.fromisoformat(undone["evidence_until"]) > until
    assert (await reviewer.ask("POST", f"{first}/decision/undo", REASON))[1]["code"] == "nothing_to_undo"
    for who, path in zip(clerks, (first, second), strict=True):
        assert (await reviewer.ask("POST", f"{second}/decision", DECISION))[1]["code"] == "evidence_still_open"
        assert (await put_forward(who, path))[0] == 201
    status, decided, _ = await reviewer.ask("POST", f"{second}/decision", {**DECISION, "verdict": "reject"})
    assert (status, decided["state"], decided["lost_to_another"]) == (200, "rejected", True)


async def test_no_school_is_told_of_the_other(client: aiohttp.ClientSession, reviewer: Caller) -> None:
    dispute, clerks = await dispute_of(client)
    here = paths(dispute)
    answers: list[list[Any]] = [[], []]
    for place, who in enumerate(clerks):
        answers[place] += [await put_forward(who, here[place], file=SCAN)]
    await reviewer.ask("POST", f"{here[0]}/decision", DECISION)
    for place, who in enumerate(clerks):
        for path in (here[place], f"{here[place]}/evidence"):
            answers[place].append(await who.ask("GET", path))
        answers[place].append(await who.ask("POST", f"{here[place]}/withdraw", REASON))
        answers[place].append(await who.ask("GET", here[place]))
        for method, path in (("GET", ""), ("GET", "/evidence"), ("POST", "/withdraw")):
            status, found, _ = await who.ask(method, here[1 - place] + path, REASON if method == "POST" else None)
            assert (status, found["code"]) == (404, "not_found")
        assert (await put_forward(who, here[1 - place]))[0] == 404
    for place in (0, 1):
        assert not [one for one in secrets(dispute, 1 - place) if one in str(answers[place])]


async def test_evidence_is_kept_sealed_once_and_shown_to_its_school_and_reviewers(
    client: aiohttp.ClientSession, server: Server, reviewer: Caller
) -> None:
    dispute, clerks = await dispute_of(client)
    path, folder = paths(dispute)[0], server.log.parent / "files"
    before = set(folder.glob("*"))
    status, made = await put_forward(clerks[0], path, None, SCAN)
    assert (status, made["note"], made["has_scan"]) == (201, "", True)
    [kept] = set(folder.glob("*")) - before
    assert b"\xff\xd8\xff" not in kept.read_bytes()
    one = f"{path}/evidence/{made['id']}"
    status, picture, headers = await clerks[0].ask("GET", one)
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
    assert "no-store" in headers["Cache-Control"]
    looks = AuditEntry.filter(subject=f"referral:{dispute.claims[0].id}", action="referral.evidence_viewed")
    assert await looks.count() == 0
    assert (await reviewer.ask("GET", one))[1] == picture
    assert [entry.actor_id for entry in await looks] == [reviewer.person_id]
    _, noted = await put_forward(clerks[0], path)
    status, found, headers = await clerks[0].ask("GET", f"{path}/evidence/{noted['id']}")
    assert (status, found) == (200, noted)
    status, listed, _ = await clerks[0].ask("GET", f"{path}/evidence?limit=1")
    assert ([row["id"] for row in listed["items"]], bool(listed["next_cursor"])) == ([made["id"]], True)
    for who, expected in (
        (await staff(client, Role.EDITOR), 403),
        (clerks[1], 404),
        (await caller(client), 404),
    ):
        assert await who.status("GET", one) == expected
    assert await clerks[1].status("GET", f"{paths(dispute)[1]}/evidence/{made['id']}") == 404


async def test_a_form_that_is_sent_again_is_kept_once(client: aiohttp.ClientSession, server: Server) -> None:
    dispute, clerks = await dispute_of(client)
    path, boundary = paths(dispute)[0], "0123456789abcdef"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body = part.encode() + SCAN + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content_Type": f"multipart/form-data; boundary={boundary}", "Idempotency_Key": "again"}
    folder = server.log.parent / "files"
    before = len(list(folder.glob("*")))
    answers = [await clerks[0].ask("POST", f"{path}/evidence", body, **headers) for _ in range(3)]
    assert {status for status, _, _ in answers} == {201}
    assert answers[0][1] == answers[1][1] == answers[2][1]
    assert await Evidence.filter(referral_id=dispute.claims[0].id).count() == 1
    assert len(list(folder.glob("*"))) == before + 1


async def test_what_is_not_fit_is_refused(client: aiohttp.ClientSession, server: Server) -> None:
    dispute, clerks = await dispute_of(client)
    path, folder = paths(dispute)[0], server.log.parent / "files"
    before = len(list(folder.glob("*")))
    for note, file, status, code in (
        (None, None, 400, "unreadable_request"),
        ("  ", None, 422, "invalid"),
        ("学生身份证 340802201105050012", None, 422, "invalid"),
        ("字" * 1001, None, 422, "invalid"),
        ("", b"%PDF-1.7", 415, "scan_type"),
        ("见附件", SCAN[:200], 422, "scan_broken"),
        ("", SCAN + b"\0" * (5 * 1024 * 1024), 413, "scan_too_large"),
    ):
        found = await put_forward(clerks[0], path, note, file)
        assert (found[0], found[1]["code"]) == (status, code)
    status, found, _ = await clerks[0].ask("POST", f"{path}/evidence", {"note": "x"})
    assert (status, found["code"]) == (415, "not_a_form")
    closed, clerks = await dispute_of(client, days=-1)
    status, refused = await put_forward(clerks[0], paths(closed)[0], None, SCAN)
    assert (status, refused["code"]) == (409, "evidence_closed")
    assert not await Evidence.exists(referral_id__in=[claim.id for claim in (*dispute.claims, *closed.claims)])
    assert len(list(folder.glob("*"))) == before


async def test_a_claim_is_withdrawn_by_its_school(client: aiohttp.ClientSession, reviewer: Caller) -> None:
    dispute, clerks = await dispute_of(client)
    first, second = paths(dispute)
    assert await clerks[0].status("POST", f"{first}/withdraw", REASON, If_Match='"7"') == 412
    assert await clerks[0].status("POST", f"{first}/withdraw", {"reason": "家长13812345678要求"}) == 422
    assert await reviewer.status("POST", f"{first}/withdraw", REASON) == 403
    answers = [await clerks[0].ask("POST", f"{first}/withdraw", REASON, Idempotency_Key="w") for _ in range(2)]
    assert [(status, found["state"]) for status, found, _ in answers] == [(200, "withdrawn")] * 2
    status, found, _ = await clerks[0].ask("POST", f"{first}/withdraw", REASON)
    assert (status, found["code"]) == (409, "referral_state")
    assert "已撤回" in found["detail"]
    status, left, _ = await clerks[1].ask("GET", second)
    assert (left["state"], left["needs_check"], left["flags"]) == ("disputed", True, ["other_withdrew"])
    status, upheld, _ = await reviewer.ask("POST", f"{second}/decision", DECISION)
    assert (status, upheld["state"], upheld["needs_check"]) == (200, "registered", False)


async def test_an_insider_is_told_that_another_decides(client: aiohttp.ClientSession) -> None:
    dispute, _ = await dispute_of(client, days=-1)
    insider = await staff(client, Role.REVIEWER)
    colleague = await member(client, dispute.schools[1], Role.CLERK)
    await Membership.filter(person_id=colleague.person_id).update(person_id=insider.person_id)
    for path in ("/decision", "/decision/undo"):
        body = DECISION if path == "/decision" else REASON
        status, found, _ = await insider.ask("POST", paths(dispute)[0] + path, body)
        assert (status, found["code"]) == (403, "decides_for_own")
    assert await insider.status("GET", f"{paths(dispute)[0]}/evidence") == 403
