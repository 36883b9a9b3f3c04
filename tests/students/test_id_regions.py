"""The region codes of ID numbers: the oracle's data, whole, and nothing else."""

import shutil
from pathlib import Path

import pytest

from server.kernel.content import ContentError
from server.policy import service as policy_service
from server.reference import service as reference_service
from server.students import id_regions
from server.students.id_regions import IdRegions
from tests.policy.shelf import CONTENT
from tests.students import oracle

ALLOWED_ANYWHERE = {"01", "02", "11", "20"}
"""The oracle takes these two last digits behind any four: an allowance for codes that its data lacked once."""


@pytest.fixture(scope="module")
def regions() -> IdRegions:
    return id_regions.load(CONTENT)


def test_the_list_is_what_the_oracles_data_say(regions: IdRegions) -> None:
    listed = {prefix + ending for prefix, endings in regions.codes.items() for ending in endings.split()}
    assert listed == oracle.codes()
    assert len(listed) == 6621


@pytest.mark.parametrize(
    "code", ["340882", "340824", "340823", "340722", "340802", "340811", "342822", "441900", "460200"]
)
def test_present_and_former_counties_and_undivided_cities_are_in(regions: IdRegions, code: str) -> None:
    assert code in regions


@pytest.mark.parametrize("code", ["340871", "340000", "340800", "340870", "110000", "310000", "990101", "000000"])
def test_zones_provinces_and_divided_cities_are_out(regions: IdRegions, code: str) -> None:
    assert code not in regions


def test_every_county_of_the_list_of_regions_is_in_and_every_zone_is_out(regions: IdRegions) -> None:
    places = reference_service.load(CONTENT, policy_service.load(CONTENT)).regions
    assert len([place for place in places if place.starts_id_numbers]) >= 10
    for place in places:
        if place.code:
            assert (place.code in regions) is place.starts_id_numbers, place.name
        assert all(former.code in regions for former in place.former if former.code[4:] != "00")


def differences(regions: IdRegions, codes: range) -> set[str]:
    """Return where we and the oracle differ, after the differences that we mean."""
    found = set()
    with oracle.quick():
        for code in map("{:06}".format, codes):
            ours, theirs = code in regions, oracle.knows(code)
            meant = theirs and not ours and (code[4:] in {"00", *ALLOWED_ANYWHERE} or code[0] == "8")
            if ours != theirs and not meant:
                found.add(code)
    return found


def test_of_anhui_and_its_neighbours_every_code_is_judged_as_the_oracle_does(regions: IdRegions) -> None:
    assert differences(regions, range(320000, 370000)) == set()


@pytest.mark.drill
def test_of_all_million_codes_every_one_is_judged_as_the_oracle_does(regions: IdRegions) -> None:
    assert differences(regions, range(1_000_000)) == set()


@pytest.mark.parametrize(
    ("line", "broken", "fault"),
    [
        ('"3408": "01 02', '"3408": "02 01', "3408: endings must ascend"),
        ('"3408": "01 02', '"3408": "01 01 02', "3408: endings must ascend"),
        ('"3408": "01 02', '"3408": "1 02', "codes.3408"),
        ('"3408": "01 02', '"9408": "01 02', "codes.9408"),
        ('"3408": "01 02', '"3499": "01 02', "lines must ascend"),
    ],
)
def test_a_list_out_of_order_is_refused(tmp_path: Path, line: str, broken: str, fault: str) -> None:
    shutil.copytree(CONTENT / "reference", tmp_path / "reference")
    path = tmp_path / "reference" / "id_regions.yaml"
    text = path.read_text(encoding="utf-8")
    assert line in text
    path.write_text(text.replace(line, broken), encoding="utf-8")
    with pytest.raises(ContentError, match=fault):
        id_regions.load(tmp_path)
