"""Print fresh secrets of production, as lines of its environment; what WeChat gives has to be added to them.

To change keys later, put a new `id:key` in front of the old ones: what was made under those is still read.
"""

import secrets

from server.kernel import clock
from server.secrets import RINGS, new_key

PASSWORDS = ("YZT_APP_PASSWORD", "YZT_OWNER_PASSWORD")


def main() -> None:
    """Print one line for each secret."""
    key_id = f"k{clock.today():%Y-%m}"
    for ring in RINGS:
        print(f"YZT_{ring.upper()}={key_id}:{new_key()}")
    print(f"YZT_METRICS_TOKEN={secrets.token_hex(24)}")
    print("# the database's passwords, which compose.yaml alone reads:")
    for name in PASSWORDS:
        print(f"{name}={secrets.token_hex(24)}")


if __name__ == "__main__":
    main()
