"""Regions, majors and occupations as domain facts have them, each entry with its source; broken lists are refused."""

from collections.abc import Callable
from typing import Any

import pytest

from server.kernel.content import ContentError
from server.policy import service as policy_service
from server.policy.book import PolicyBook
from server.reference import service
from server.reference.service import Reference
from tests.policy.shelf import CONTENT, Copy

ANQING = {
    "迎江区": "340802",
    "大观区": "340803",
    "宜秀区": "340811",
    "怀宁县": "340822",
    "太湖县": "340825",
    "宿松县": "340826",
    "望江县": "340827",
    "岳西县": "340828",
    "桐城市": "340881",
    "潜山市": "340882",
}
GROUPS = ["新能源汽车技术", "装备制造", "电子信息", "现代农业", "纺织服装", "化工", "文化旅游", "土建", "商贸物流"]


@pytest.fixture(scope="module")
def book() -> PolicyBook:
    return policy_service.load(CONTENT)


@pytest.fixture(scope="module")
def reference(book: PolicyBook) -> Reference:
    return service.load(CONTENT, book)


@pytest.fixture
def copy(tmp_path: Any) -> Copy:
    return Copy(tmp_path)


def test_the_parts_of_anqing_have_their_codes(reference: Reference) -> None:
    parts = {r.name: r.code for r in reference.regions if r.city == "340800" and r.starts_id_numbers}
    assert parts == ANQING


def test_former_codes_are_told_with_the_place_that_has_them_no_more(reference: Reference) -> None:
    former = {f.code: (r.name, r.city, f.city, f.until.value) for r in reference.regions for f in r.former}
    assert former["340824"] == ("潜山市", "340800", "340800", "2018")
    assert former["340823"] == ("枞阳县", "340700", "340800", "2016")
    assert not set(former) & {region.code for region in reference.regions}


def test_zones_are_fiscal_localities_and_never_start_an_id_number(reference: Reference) -> None:
    zones = {region.name: region for region in reference.regions if region.kind == "zone"}
    assert {name: zone.code for name, zone in zones.items()} == {
        "安庆经济技术开发区": "340871",
        "安庆高新技术产业开发区": None,
    }
    assert not any(zone.starts_id_numbers for zone in zones.values())


def test_the_nine_groups_of_majors_come_from_the_clause_that_sets_them_up(reference: Reference) -> None:
    assert [major.name for major in reference.majors] == GROUPS
    for major in reference.majors:
        first = major.sources[0]
        assert (first.clause, first.words) == ("aq-2019-6/23", major.name)
        assert first.label
        assert first.as_of.value == "2019"


def test_occupations_say_what_they_rest_on_and_that_no_document_lists_them(reference: Reference) -> None:
    assert {occupation.major for occupation in reference.occupations} == {None, *(m.id for m in reference.majors)}
    for occupation in reference.occupations:
        clause = {"industry": "aq-2019-6/23", "short_term": "aq-annex-29/13"}[occupation.kind]
        assert occupation.source.clause == clause
        assert occupation.compiled_on.precision == "day"
        assert "没有写工种" in occupation.note
    short = service.occupations(reference, kind="short_term")
    assert {occupation.kind for occupation in short} == {"short_term"}
    assert len(short) < len(service.occupations(reference))


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("regions", lambda d: d["regions"][1].update(code="340803"), "340802 has the code 340803"),
        ("regions", lambda d: d["regions"][1].update(code=None), "has no code and is no zone"),
        ("regions", lambda d: d["regions"].append(d["regions"][0]), "340800 is given twice"),
        ("regions", lambda d: d["regions"][1].update(city="340900"), "city 340900 is not in the list"),
        ("regions", lambda d: d["regions"][9]["former"][0].update(code="340802"), "340802 is given twice"),
        ("majors", lambda d: d["majors"].append(d["majors"][0]), "new-energy-vehicles is given twice"),
        ("majors", lambda d: d["majors"][0]["named"][0].update(clause="aq-2019-6/99"), "aq-2019-6/99 is nowhere"),
        ("majors", lambda d: d["majors"][0].update(named=[]), "named"),
        ("occupations", lambda d: d["occupations"][0].update(major="alchemy"), "major alchemy is nowhere"),
        ("occupations", lambda d: d["occupations"][0].pop("major"), "major None is nowhere"),
        ("occupations", lambda d: d["occupations"].append(d["occupations"][0]), "vehicle-assembler is given twice"),
        ("occupations", lambda d: d["basis"].pop("short_term"), "nothing is said of the basis"),
        ("occupations", lambda d: d["basis"]["industry"].update(clause="x/1"), "clause x/1 is nowhere"),
    ],
)
def test_a_list_that_does_not_hold_together_is_not_loaded(
    book: PolicyBook, copy: Copy, name: str, change: Callable[[Any], object], fault: str
) -> None:
    copy.edit(f"reference/{name}.yaml", change)
    with pytest.raises(ContentError, match=fault):
        service.load(copy.root, book)
