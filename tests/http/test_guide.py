"""The guide's main path over real HTTP: clause, article, leaflet, programme, check."""

import html
import re
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.once

API = "/api/v1"
SENT = {"school_in_city": True, "sent_by_school": True, "receiver_in_group": True, "level": "secondary"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def get(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(API + path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def check(client: aiohttp.ClientSession, **body: Any) -> dict[str, Any]:
    async with client.post(f"{API}/programmes/check", json=body) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def test_clause_15_leads_to_the_article_that_cites_it(client: aiohttp.ClientSession) -> None:
    clause = await get(client, "/policies/aq-2024-91/clauses/15")
    assert (clause["id"], clause["number"], clause["policy"]["number"]) == ("aq-2024-91/15", "15", "宜政秘〔2024〕91号")
    assert "feeder-referral" in clause["programmes"]
    slugs = [article["slug"] for article in clause["cited_by"]]
    assert "feeder-school-reward" in slugs
    for slug in slugs:
        article = await get(client, f"/guide/2026/articles/{slug}")
        assert "aq-2024-91/15" in article["clauses"]
        assert "/api/v1/policies/aq-2024-91/clauses/15" in article["html"]


async def test_a_document_has_every_clause_and_says_what_is_not_known(client: aiohttp.ClientSession) -> None:
    policy = await get(client, "/policies/aq-2024-91")
    assert policy["complete"]
    assert len(policy["clauses"]) == 3 + 19 + 3
    assert policy["effective_from"] == {"value": "2024", "precision": "year"}
    assert policy["effective_to"] == {"value": "2027-12-31", "precision": "day"}
    for clause in policy["clauses"]:
        assert {"number", "title", "summary"} <= set(clause)
        assert (await get(client, f"/policies/aq-2024-91/clauses/{clause['number']}"))["summary"] == clause["summary"]


@pytest.mark.parametrize(
    ("on", "version", "clause"), [("2023-09-01", "2019", "aq-2019-7/5.2"), ("2025-09-01", "2024", "aq-2024-91/15")]
)
async def test_a_pupil_sent_to_a_secondary_school_earns_the_school_500_yuan(
    client: aiohttp.ClientSession, on: str, version: str, clause: str
) -> None:
    found = await check(client, audience="feeder_school", jurisdiction="340800", on=on, facts=SENT)
    [item] = [item for item in found["items"] if item["programme"] == "feeder-referral"]
    assert (item["verdict"], item["amount_fen"], item["per"], item["version"]) == (
        "eligible",
        50_000,
        "student",
        version,
    )
    assert all(part["ok"] and part["clause"] == clause for part in item["checks"])
    assert "payee_is_school" in {warning["code"] for warning in item["warnings"]}
    assert found["questions_left"] == []


async def test_a_date_of_2024_cannot_be_decided_and_says_why(client: aiohttp.ClientSession) -> None:
    found = await check(client, audience="feeder_school", on="2024-06-15", facts=SENT)
    [item] = [item for item in found["items"] if item["programme"] == "feeder-referral"]
    assert (item["verdict"], item["amount_fen"]) == ("needs_information", None)
    assert "start_day_unknown" in {warning["code"] for warning in item["warnings"]}


async def test_another_city_is_never_answered_with_anqings_programmes(client: aiohttp.ClientSession) -> None:
    found = await check(client, jurisdiction="431000", on="2025-09-01", facts=SENT)
    assert "feeder-referral" not in {item["programme"] for item in found["items"]}
    ours = await check(client, on="2025-09-01", facts=SENT)
    assert "feeder-referral" in {item["programme"] for item in ours["items"]}


PAGES = [
    "/guide/2026",
    "/guide/2026/articles/feeder-school-reward",
    "/guide/2026/leaflet?audience=student",
    "/policies/aq-2024-91/clauses/15",
    "/policies/cz-2018-28/clauses/23",
    "/programmes/feeder-referral",
    "/programmes/harmony-prize",
]


@pytest.mark.parametrize("path", PAGES)
async def test_a_browser_gets_a_page_and_a_client_gets_json(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(API + path, headers={"Accept": BROWSER}) as page:
        assert page.content_type == "text/html"
        assert "accept" in page.headers["Vary"]
        text = await page.text()
    assert '<html lang="zh-CN">' in text
    assert "<script" not in text
    assert "src=" not in text
    tags = {page.headers["ETag"]}
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5"):
        async with client.get(API + path, headers={"Accept": accept}) as answer:
            assert answer.content_type == "application/json"
            assert "accept" in answer.headers["Vary"]
            tags.add(answer.headers["ETag"])
    assert len(tags) == 2
    for tag in tags:
        async with client.get(API + path, headers={"Accept": BROWSER, "If-None-Match": tag}) as answer:
            assert answer.status == (304 if tag == page.headers["ETag"] else 200)


async def test_every_link_of_the_guide_leads_somewhere(client: aiohttp.ClientSession) -> None:
    """From the front door through every page that is linked, as a reader's browser would."""
    headers = {"Accept": BROWSER}
    ahead, seen = {f"{API}/guide/2026"}, set[str]()
    while ahead:
        address = ahead.pop()
        seen.add(address)
        async with client.get(address, headers=headers) as answer:
            assert answer.status == 200, address
            assert answer.content_type == "text/html", address
            links = re.findall(r'href="(/[^"#]*)', await answer.text())
        ahead |= {html.unescape(link) for link in links} - seen
    whole = {article["slug"] for article in (await get(client, "/guide/2026"))["articles"]}
    assert whole == {address.rpartition("/")[2] for address in seen if "/articles/" in address}
    assert {"/api/v1/programmes/feeder-referral", "/api/v1/policies/aq-2024-91/clauses/15"} <= seen


async def test_the_address_alone_leads_to_the_newest_edition(client: aiohttp.ClientSession) -> None:
    async with client.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, f"{API}/guide/2026")


async def test_the_pack_is_known_by_its_hash(client: aiohttp.ClientSession) -> None:
    whole = await get(client, "/guide/pack")
    assert whole == await get(client, "/guide/pack?edition=2026")
    assert {"edition", "articles", "leaflets", "policies", "clauses", "programmes", "content_hash"} == set(whole)
    for article in whole["articles"]:
        assert article == await get(client, f"/guide/2026/articles/{article['slug']}")
    for encoding in ("identity", "gzip", "br"):
        headers = {"Accept-Encoding": encoding, "If-None-Match": f'"{whole["content_hash"]}"'}
        async with client.get(f"{API}/guide/pack", headers=headers) as answer:
            assert answer.status == 304
            assert whole["content_hash"] in answer.headers["ETag"]
    async with client.get(f"{API}/guide/pack", headers={"If-None-Match": f'"{"0" * 64}"'}) as answer:
        assert answer.status == 200


async def test_2019_and_2024_lie_side_by_side(client: aiohttp.ClientSession) -> None:
    found = await get(client, "/policies/compare?from=aq-2019-7&to=aq-2024-91")
    assert (found["from"]["id"], found["to"]["id"]) == ("aq-2019-7", "aq-2024-91")
    subjects = {subject["id"]: subject for subject in found["items"]}
    assert {subject["verdict"] for subject in subjects.values()} == {"kept", "changed", "narrowed", "silent", "new"}
    reward = subjects["feeder-reward"]
    assert (reward["verdict"], "500元" in reward["was"], "500元" in reward["now"]) == ("narrowed", True, True)
    assert [clause["id"] for clause in reward["was_clauses"] + reward["now_clauses"]] == [
        "aq-2019-7/5.2",
        "aq-2024-91/15",
    ]


async def test_lists_are_paged_and_filtered(client: aiohttp.ClientSession) -> None:
    whole = (await get(client, "/policies"))["items"]
    first = await get(client, "/policies?limit=1")
    second = await get(client, f"/policies?limit=1&cursor={first['next_cursor']}")
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [policy["id"] for policy in whole[:2]]
    theirs = (await get(client, "/policies?jurisdiction=431000"))["items"]
    assert [policy["id"] for policy in theirs] == ["cz-2018-28"]
    before = {policy["id"] for policy in (await get(client, "/policies?on=2019-01-01"))["items"]}
    assert not before & {"aq-2019-7", "aq-2024-91"}
    programmes = (await get(client, "/programmes?audience=feeder_school&limit=100"))["items"]
    assert "feeder-referral" in {programme["id"] for programme in programmes}
    assert {programme["audience"] for programme in programmes} == {"feeder_school"}
    in_force = (await get(client, "/programmes?jurisdiction=340800&on=2025-09-01&limit=100"))["items"]
    assert {programme["jurisdiction"] for programme in in_force} == {"340800"}
    assert all(programme["amounts"] for programme in in_force)


async def test_a_programme_tells_both_its_dated_amounts(client: aiohttp.ClientSession) -> None:
    programme = await get(client, "/programmes/feeder-referral")
    amounts = [(amount["from"]["value"], amount["amount_fen"], amount["clause"]) for amount in programme["amounts"]]
    assert amounts == [("2019-09", 50_000, "aq-2019-7/5.2"), ("2024", 50_000, "aq-2024-91/15")]
    assert (programme["standing"], programme["jurisdiction"]) == ("current", "340800")


async def test_the_questions_lead_to_a_verdict(client: aiohttp.ClientSession) -> None:
    questions = (await get(client, "/programmes/questions?audience=feeder_school&on=2025-09-01"))["items"]
    assert {question["fact"] for question in questions} == set(SENT)
    assert all(question["question"].endswith("？") for question in questions)
