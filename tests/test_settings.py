import pytest

from server.settings import Env, Settings, SettingsError, unknown

PRODUCTION = {
    "YZT_ENV": "production",
    "YZT_DATABASE_URL": "postgres://app@db/yizhitong",
    "YZT_METRICS_TOKEN": "a-token-that-is-long-enough",
    "YZT_HOST": "0.0.0.0",  # noqa: S104 -- inside a container
}


def test_nothing_set_is_the_embedded_default() -> None:
    settings = Settings.from_env({"HOME": "/root"})
    assert (settings.host, settings.port, settings.env) == ("127.0.0.1", 8000, Env.DEVELOPMENT)
    assert settings.database.startswith("sqlite://")
    assert settings.jobs


def test_every_variable_at_fault_is_named() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({"YZT_PORT": "many", "YZT_JOBS": "perhaps", "YZT_LOG_LEVEL": "LOUD"})
    for name in ("YZT_PORT", "YZT_JOBS", "YZT_LOG_LEVEL"):
        assert name in str(refusal.value)
    assert "many" not in str(refusal.value)  # a value may be a secret


def test_a_mistyped_name_keeps_production_from_starting() -> None:
    assert unknown({"YZT_PROT": "1", "YZT_PORT": "1", "PATH": "/bin"}) == ["YZT_PROT"]
    assert Settings.from_env({"YZT_PROT": "1"}).port == 8000
    with pytest.raises(SettingsError, match="YZT_PROT"):
        Settings.from_env({**PRODUCTION, "YZT_PROT": "1"})


def test_production_starts_with_its_secrets() -> None:
    assert Settings.from_env(PRODUCTION).production


@pytest.mark.parametrize("missing", ["YZT_DATABASE_URL", "YZT_METRICS_TOKEN"])
def test_production_refuses_to_start_without_each(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        Settings.from_env({name: value for name, value in PRODUCTION.items() if name != missing})


def test_production_refuses_a_short_token() -> None:
    with pytest.raises(SettingsError, match="YZT_METRICS_TOKEN"):
        Settings.from_env({**PRODUCTION, "YZT_METRICS_TOKEN": "short"})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org"])  # noqa: S104 -- it is refused
def test_development_stays_on_this_machine(host: str) -> None:
    with pytest.raises(SettingsError, match="YZT_HOST"):
        Settings.from_env({"YZT_HOST": host})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_the_loopback_is_this_machine(host: str) -> None:
    assert Settings.from_env({"YZT_HOST": host}).host == host
