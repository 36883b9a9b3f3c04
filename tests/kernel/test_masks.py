"""What a masked value gives away, and what not."""

from server.kernel.sensitive import Kind, Sensitive

NUMBERS = ("340882201402281234", "340802201301019999", "110101195001017676")


def test_a_masked_id_number_shows_its_last_two_characters_only() -> None:
    assert str(Sensitive(Kind.ID_NUMBER, "34088220140228123X")) == "****************3X"


def test_county_and_birth_date_change_nothing_of_the_mask() -> None:
    masks = {str(Sensitive(Kind.ID_NUMBER, number[:16] + "00")) for number in NUMBERS}
    assert len(masks) == 1


def test_a_text_of_another_length_shows_nothing_not_even_its_length() -> None:
    masks = {str(Sensitive(Kind.ID_NUMBER, text)) for text in ("", "3", "34088220", "340882140228123", "3" * 40)}
    assert masks == {"*" * 18}


def test_every_way_of_showing_it_is_masked() -> None:
    value = Sensitive(Kind.ID_NUMBER, NUMBERS[0])
    shown = (str(value), repr(value), f"{value}", f"{value:>40}", f"{value!r}")
    assert not any(piece in text for text in shown for piece in ("3408", "2014", "0228"))


def test_every_kind_has_a_mask() -> None:
    assert all(str(Sensitive(kind, "340882201402281234")).count("*") >= 10 for kind in Kind)
