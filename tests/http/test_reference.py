"""The reference lists over real HTTP."""

from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.once

REFERENCE = "/api/v1/reference"


async def items(client: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    async with client.get(f"{REFERENCE}/{path}") as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
    assert found["next_cursor"] is None
    assert all("source" in item or "sources" in item or "label" in item for item in found["items"])
    return list(found["items"])


async def test_regions_have_codes_former_codes_and_zones(client: aiohttp.ClientSession) -> None:
    regions = {region["id"]: region for region in await items(client, "regions?limit=100")}
    assert regions["340882"]["former"][0]["code"] == "340824"
    assert regions["anqing-high-tech"]["code"] is None
    assert not regions["340871"]["starts_id_numbers"]
    assert regions["340802"]["source"]["as_of"]["value"]


async def test_majors_are_the_nine_groups(client: aiohttp.ClientSession) -> None:
    majors = await items(client, "majors")
    assert len(majors) == 9
    assert {major["sources"][0]["clause"] for major in majors} == {"aq-2019-6/23"}


async def test_occupations_are_filtered_by_kind(client: aiohttp.ClientSession) -> None:
    everything = await items(client, "occupations?limit=100")
    short = await items(client, "occupations?kind=short_term&limit=100")
    assert short == [occupation for occupation in everything if occupation["kind"] == "short_term"]
    assert 0 < len(short) < len(everything)


async def test_minimum_wages_are_told_or_said_to_be_unknown(client: aiohttp.ClientSession) -> None:
    places = await items(client, "minimum-wages?limit=100")
    assert {"340802", "340881", "340828"} <= {place["region"] for place in places}
    for place in places:
        figures = (place["monthly_fen"], place["hourly_fen"], place["effective_from"], place["notice"])
        assert all(figures) if place["known"] else not any(figures)
        assert place["note"]
    one = await items(client, "minimum-wages?region=340881&on=2026-01-01")
    assert [place["name"] for place in one] == ["桐城市"]


async def test_targets_are_filtered_by_city_kind_and_day(client: aiohttp.ClientSession) -> None:
    everything = await items(client, "targets?limit=100")
    measures = await items(client, "targets?kind=measure")
    assert len(measures) == 5
    assert len({(m["ratio"]["numerator"], m["ratio"]["denominator"], m["ratio"]["place"]) for m in measures}) == 5
    ours = await items(client, "targets?limit=100&jurisdiction=340800")
    theirs = await items(client, "targets?limit=100&jurisdiction=431000")
    assert {target["policy"] for target in theirs} == {"cz-2018-28"}
    assert len(ours) + len(theirs) == len(everything)
    assert all(target["standing"] == "other_city" for target in theirs)
    early = await items(client, "targets?limit=100&on=2018-01-01")
    assert "aq-2024-91" not in {target["policy"] for target in early}


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("targets?kind=odd", "?kind"),
        ("targets?jurisdiction=340100", "?jurisdiction"),
        ("targets?on=2025-02-30", "?on"),
        ("occupations?kind=odd", "?kind"),
        ("regions?kind=city", "?kind"),
        ("minimum-wages?on=2026-02-30", "?on"),
        ("majors?cursor=WyJrZXkiLCIiLCJub3RoaW5nIl0", "?cursor"),
        ("regions?limit=101", "?limit"),
    ],
)
async def test_a_bad_parameter_is_named(client: aiohttp.ClientSession, path: str, pointer: str) -> None:
    async with client.get(f"{REFERENCE}/{path}") as answer:
        found = await answer.json(content_type=None)
    assert (answer.status, [fault["pointer"] for fault in found["errors"]]) == (422, [pointer])
