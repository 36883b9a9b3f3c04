"""Unified social credit codes and school codes: what is taken, what is refused and why."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from miniprogram_api.problem import Problems
from server.organisations.credit_codes import Reason, check_credit_code, check_school_code
from tests.policy.shelf import CONTENT

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE = "91350100M000100Y43"
FULL_WIDTH = str.maketrans("0123456789MY", "０１２３４５６７８９ＭＹ")


def checked(body: str) -> str:
    return body + uscc.calc_check_digit(body)


@pytest.mark.parametrize(
    "typed",
    [CODE, CODE.lower(), CODE.translate(FULL_WIDTH), f" {CODE}\n", "9135 0100 M000\u3000100Y43", f"\ufeff{CODE}\u200b"],
)
def test_ways_of_writing_one_code_are_one_code(typed: str) -> None:
    assert check_credit_code(typed) == CODE


@pytest.mark.parametrize("start", ["91", "92", "93", "11", "12", "52", "31", "N2", "N3", "A1", "Y1"])
def test_codes_of_every_authority_pass(start: str) -> None:
    code = checked(f"{start}340802MA2XYLB11")
    assert check_credit_code(code) == code


def test_every_single_wrong_character_is_noticed() -> None:
    for place, right in enumerate(CODE):
        for wrong in ALPHABET:
            if wrong != right:
                found = check_credit_code(CODE[:place] + wrong + CODE[place + 1 :])
                assert found in {Reason.CHECK, Reason.FORM}, (place, wrong)


def test_every_two_neighbours_swapped_are_noticed() -> None:
    for place in range(17):
        swapped = CODE[:place] + CODE[place + 1] + CODE[place] + CODE[place + 2 :]
        assert swapped == CODE or isinstance(check_credit_code(swapped), Reason)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", Reason.LENGTH),
        (CODE[:-1], Reason.LENGTH),
        (CODE + "0", Reason.LENGTH),
        ("340800000012345", Reason.LENGTH),  # a business licence's number of before 2015
        (" " * 1_000_000 + CODE, Reason.LENGTH),
        ("9" * 1_000_000, Reason.LENGTH),
        (CODE.replace("M", "-"), Reason.CHARACTERS),
        (CODE.replace("1", "١"), Reason.CHARACTERS),
        (CODE.replace("M", "ſ"), Reason.CHARACTERS),
        (CODE.replace("Y", "宜"), Reason.CHARACTERS),
        (CODE.replace("0", "O"), Reason.LETTER),
        (CODE.replace("1", "I"), Reason.LETTER),
        (CODE.replace("1", "i"), Reason.LETTER),
        (CODE.replace("5", "S"), Reason.LETTER),
        (CODE.replace("0", "Z"), Reason.LETTER),
        (CODE.replace("0", "V"), Reason.LETTER),
        (checked("0" * 17), Reason.FORM),
        (checked("91A40802MA2XYLB11"), Reason.FORM),
        (CODE[:-1] + "4", Reason.CHECK),
    ],
)
def test_what_is_no_code_is_refused_with_a_reason(typed: str, reason: Reason) -> None:
    assert check_credit_code(typed) is reason


def test_stdnum_takes_what_we_take_but_for_letters_in_front() -> None:
    dice = random.Random(4)  # noqa: S311 -- chance, not secrecy
    taken = 0
    for _ in range(5_000):
        body = (
            "".join(dice.choices(ALPHABET, k=2)) + f"{dice.randrange(10**6):06}" + "".join(dice.choices(ALPHABET, k=9))
        )
        code = checked(body) if dice.random() < 0.8 else body + dice.choice(ALPHABET)
        ours = not isinstance(check_credit_code(code), Reason)
        if code[:2].isdigit() and code[0] != "0":
            assert ours == uscc.is_valid(code), code
        taken += ours
    assert taken > 1_000


@given(st.text(max_size=30) | st.text(ALPHABET + "IOSVZioz ", min_size=17, max_size=20))
def test_no_text_breaks_the_checks(text: str) -> None:
    assert isinstance(check_credit_code(text), str)
    assert isinstance(check_school_code(text), str)


@pytest.mark.parametrize("typed", ["3634000123", " 3634 000123\n", "３６３４０００１２３"])
def test_a_school_code_is_ten_digits_with_a_province(typed: str) -> None:
    assert check_school_code(typed) == "3634000123"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", Reason.SCHOOL_FORM),
        ("363400012", Reason.SCHOOL_FORM),
        ("36340001234", Reason.SCHOOL_FORM),
        ("363400012X", Reason.SCHOOL_FORM),
        ("٣634000123", Reason.SCHOOL_FORM),
        ("3634000123" + " " * 100 + "and more", Reason.SCHOOL_FORM),
        ("10359", Reason.SCHOOL_FORM),  # a college's short code
        ("3600000123", Reason.SCHOOL_PROVINCE),
        ("3638000123", Reason.SCHOOL_PROVINCE),
    ],
)
def test_what_is_no_school_code_is_refused_with_a_reason(typed: str, reason: Reason) -> None:
    assert check_school_code(typed) is reason


def test_every_reason_has_its_words() -> None:
    assert set(Reason) <= set(Problems.load(CONTENT).faults)
