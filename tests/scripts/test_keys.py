import re

from server.settings import Settings
from tests.harness.forking import command
from tests.test_settings import PRODUCTION


def printed() -> dict[str, str]:
    told = command(module="scripts.keys")
    assert told.returncode == 0, told.stderr
    return dict(line.split("=", 1) for line in told.stdout.splitlines() if not line.startswith("#"))


def test_what_it_prints_is_what_production_asks_for_and_new_each_time() -> None:
    first, second = printed(), printed()
    assert [name for name in first if first[name] == second[name]] == []
    passwords = {name: text for name, text in first.items() if name.endswith("_PASSWORD")}
    assert all(re.fullmatch("[0-9a-f]{48}", text) for text in passwords.values())
    settings = {name: text for name, text in first.items() if name not in passwords}
    [key_id] = Settings.from_env({**PRODUCTION, **settings}).keys()["vault_keys"].by_id
    assert re.fullmatch(r"k\d{4}-\d\d", key_id)
