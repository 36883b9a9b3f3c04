"""Citizen ID numbers: every reason to refuse one, and agreement with id-validator wherever we do not mean to differ."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniprogram_api.problem import Problems
from server.students import id_regions
from server.students.id_number import IdNumber, Reason, check, check_character
from tests.policy.shelf import CONTENT
from tests.students import oracle

TODAY = date(2026, 11, 21)
REGIONS = id_regions.load(CONTENT)


def numbered(body: str) -> str:
    return body + check_character(body)


VALID = numbered("34088220100228123")


def verdict(text: object, today: date = TODAY) -> IdNumber | Reason:
    return check(text, REGIONS, today)


def good(text: object, today: date = TODAY) -> IdNumber:
    found = verdict(text, today)
    assert isinstance(found, IdNumber), found
    return found


def test_a_number_gives_its_normal_form_and_birth_date() -> None:
    found = good(VALID)
    assert found.number.reveal() == VALID
    assert found.born == date(2010, 2, 28)


def test_it_prints_neither_itself_nor_the_birth_date() -> None:
    shown = f"{good(VALID)} {good(VALID)!r}"
    assert not any(piece in shown for piece in ("3408", "2010", "28"))


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014", "34052419800101001X"])
def test_the_examples_of_the_standard_have_their_check_character(number: str) -> None:
    assert check_character(number) == number[-1]


WITH_X = next(number for order in range(1000) if (number := numbered(f"34082420080229{order:03}"))[-1] == "X")
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@pytest.mark.parametrize(
    "typed",
    [
        WITH_X,
        WITH_X.lower(),
        WITH_X.translate(FULL_WIDTH),
        WITH_X[:-1] + "ｘ",
        f"  {WITH_X}\n",
        f"{WITH_X[:6]} {WITH_X[6:14]}\u3000{WITH_X[14:]}",
        f"\u202d{WITH_X}\u202c",
        f"\ufeff{WITH_X}",
    ],
)
def test_ways_of_writing_one_number_are_one_number(typed: str) -> None:
    assert good(typed) == good(WITH_X)


@pytest.mark.parametrize("region", ["340882", "340824", "340823", "340722", "810000", "441900"])
def test_present_and_former_codes_pass_whatever_the_birth_date(region: str) -> None:
    assert good(numbered(region + "19700101123"))
    assert good(numbered(region + "20220101123"))


@pytest.mark.parametrize("region", ["340871", "340000", "340800", "990101", "810101"])
def test_what_never_starts_a_number_is_refused(region: str) -> None:
    assert verdict(numbered(region + "20100101123")) is Reason.REGION


@pytest.mark.parametrize("day", ["20080229", "20000229", "19000101", "20261121", "20101231"])
def test_real_days_pass(day: str) -> None:
    assert good(numbered(f"340802{day}123"))


@pytest.mark.parametrize(
    "day", ["20090229", "19000229", "20100431", "20101301", "20100001", "20100100", "20261122", "18991231", "00000000"]
)
def test_days_that_never_were_or_are_not_yet_are_refused(day: str) -> None:
    assert verdict(numbered(f"340802{day}123")) is Reason.BIRTH


def test_today_is_the_callers() -> None:
    number = numbered("34080220261122123")
    assert verdict(number) is Reason.BIRTH
    assert good(number, TODAY + timedelta(days=1))


@pytest.mark.parametrize("number", [VALID, WITH_X])
def test_every_single_wrong_character_is_noticed(number: str) -> None:
    for place, right in enumerate(number):
        for wrong in "0123456789X" if place == 17 else "0123456789":
            if wrong != right:
                assert isinstance(verdict(number[:place] + wrong + number[place + 1 :]), Reason)


def test_every_two_neighbours_swapped_are_noticed() -> None:
    for place in range(17):
        swapped = VALID[:place] + VALID[place + 1] + VALID[place] + VALID[place + 2 :]
        assert swapped == VALID or isinstance(verdict(swapped), Reason)


def test_a_wrong_check_character_is_told_as_such() -> None:
    wrong = "0" if VALID[-1] != "0" else "1"
    assert verdict(VALID[:-1] + wrong) is Reason.CHECK


@pytest.mark.parametrize("typed", ["340802900101123", "340802 900101 123", "３４０８０２９００１０１１２３", "0" * 15])
def test_fifteen_digits_have_a_reason_of_their_own(typed: str) -> None:
    assert verdict(typed) is Reason.OLD


@pytest.mark.parametrize(
    ("junk", "reason"),
    [
        ("", Reason.LENGTH),
        (VALID[:-1], Reason.LENGTH),
        (VALID + "0", Reason.LENGTH),
        ("3408029001011X3", Reason.LENGTH),
        ("3" * 1_000_000, Reason.LENGTH),
        (" " * 1_000_000 + VALID, Reason.LENGTH),
        ("X" + VALID[1:], Reason.CHARACTERS),
        (VALID[:8] + "-" + VALID[9:], Reason.CHARACTERS),
        ("٣" * 18, Reason.CHARACTERS),
        (VALID[:-1] + "٣", Reason.CHARACTERS),
        ("²" * 18, Reason.CHARACTERS),
        ("😀" * 18, Reason.CHARACTERS),
        (VALID[:17] + "\0", Reason.CHARACTERS),
        (VALID[:17] + "Х", Reason.CHARACTERS),  # Cyrillic
        (int(VALID), Reason.CHARACTERS),
        (float(VALID), Reason.CHARACTERS),
        (None, Reason.CHARACTERS),
        (VALID.encode(), Reason.CHARACTERS),
        ([VALID], Reason.CHARACTERS),
    ],
)
def test_junk_is_refused_with_a_reason(junk: object, reason: Reason) -> None:
    assert verdict(junk) is reason


@given(st.text(max_size=40) | st.text("0123456789Xx ", min_size=15, max_size=20))
def test_no_text_breaks_the_check(text: str) -> None:
    assert isinstance(verdict(text), IdNumber | Reason)


def test_every_reason_has_its_words() -> None:
    assert set(Reason) <= set(Problems.load(CONTENT).faults)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2012, 11, 22), date(2026, 11, 21), 13),  # 13 years, 364 days
        (date(2012, 11, 21), date(2026, 11, 21), 14),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
        (date(2012, 2, 29), date(2028, 2, 29), 16),
        (date(2026, 11, 21), date(2026, 11, 21), 0),
    ],
)
def test_age_is_full_years(born: date, day: date, age: int) -> None:
    assert good(numbered(f"340802{born:%Y%m%d}123")).age_on(day) == age


def typed_numbers(dice: random.Random, count: int) -> Iterator[str]:
    """Yield numbers as they may arrive, most of them almost right."""
    known = [prefix + ending for prefix, endings in REGIONS.codes.items() for ending in endings.split()]
    earliest = date(1900, 1, 1)
    for _ in range(count):
        region = dice.choice(known) if dice.random() < 0.8 else f"{dice.randrange(1_000_000):06}"
        day = f"{earliest + timedelta(days=dice.randrange(46_000)):%Y%m%d}"
        if dice.random() < 0.2:
            day = f"{dice.randrange(1880, 2030)}{dice.randrange(14):02}{dice.randrange(33):02}"
        body = f"{region}{day}{dice.randrange(1000):03}"
        yield numbered(body) if dice.random() < 0.8 else body + dice.choice("0123456789X")


def meant(number: str) -> bool:
    """Whether we mean to refuse a number that the oracle takes."""
    reason = verdict(number)
    region, born = number[:6], number[6:14]
    return (
        # Provinces, divided cities, codes of no list that end in 01, 02, 11 or 20, more than 810000 of Hong Kong …
        (reason is Reason.REGION and (region[4:] in {"00", "01", "02", "11", "20"} or region[0] == "8"))
        # It goes back to 1800, and takes days of this year that are still to come.
        or (reason is Reason.BIRTH and (born < "19000101" or born > f"{TODAY:%Y%m%d}"))
    )


def compare(seed: int, count: int) -> tuple[int, int]:
    """Return how many numbers both take and both refuse; all others differ as we mean."""
    taken = refused = 0
    with oracle.quick():
        for number in typed_numbers(random.Random(seed), count):  # noqa: S311 -- chance, not secrecy
            ours, theirs = isinstance(verdict(number), IdNumber), oracle.accepts(number)
            taken, refused = taken + (ours and theirs), refused + (not ours and not theirs)
            assert ours == theirs or (theirs and meant(number)), number
    return taken, refused


def test_we_agree_with_the_oracle() -> None:
    taken, refused = compare(seed=4, count=30_000)
    assert taken > 10_000
    assert refused > 3_000


@pytest.mark.drill
def test_we_agree_with_the_oracle_at_length() -> None:
    taken, refused = compare(seed=40, count=1_000_000)
    assert taken > 300_000
    assert refused > 100_000
