"""By what limits are counted: an address, or the network that a home has."""

import pytest

from miniprogram_api.address import origin


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unknown", ""),
        ("198.51.100.7, 10.0.0.1", ""),
        ("198.51.100.7' --", ""),
    ],
)
def test_what_is_counted(text: str, counted: str) -> None:
    assert origin(text) == counted
