import re
from typing import Any

import pytest
import yaml

from server.secrets import DEVELOPMENT_MINI_PROGRAM, DEVELOPMENT_SERVICE_ACCOUNT
from server.settings import ROOT, Env, Settings, SettingsError, unknown
from tests.harness import keys
from tests.harness.forking import command

PRODUCTION = {
    "YZT_ENV": "production",
    "YZT_DATABASE_URL": "postgres://app:password-of-the-database@db/yizhitong",
    "YZT_REDIS_URL": "redis://:password-of-redis@redis",
    "YZT_METRICS_TOKEN": "a-token-that-is-long-enough",
    "YZT_HOST": "0.0.0.0",  # noqa: S104 -- inside a container
    "YZT_WECHAT_URL": "https://api.weixin.qq.com",
    "YZT_WECHAT_APPID": "wx0123456789abcdef",
    "YZT_WECHAT_SECRET": "secret-of-the-mini-program",
    "YZT_WECHAT_CALLBACK_TOKEN": "callbacksoftheminiprogram",
    "YZT_WECHAT_CALLBACK_KEY": "KeyOfTheMiniProgramsCallbacksAsWeChatGivesI",
    "YZT_SERVICE_APPID": "wxfedcba9876543210",
    "YZT_SERVICE_SECRET": "secret-of-the-service-account",
    "YZT_SERVICE_CALLBACK_TOKEN": "callbacksoftheserviceaccount",
    "YZT_SERVICE_CALLBACK_KEY": "KeyOfTheServiceAccountsCallbacksAsWeChatGiv",
    **keys.ENVIRONMENT,
}
REQUIRED = sorted(PRODUCTION.keys() - {"YZT_ENV", "YZT_HOST", "YZT_REDIS_URL"})
SECRETS = [
    text.partition(":")[2] if name.endswith("_KEYS") else text
    for name, text in PRODUCTION.items()
    if re.search(r"TOKEN|SECRET|KEY", name)
] + ["password-of-the-database", "password-of-redis"]  # fmt: skip
OTHER_KEY = keys.key("another")
ZEROS = "A" * 43 + "="
PASS_PHRASE = "cGFzc3dvcmRwYXNzd29yZHBhc3N3b3JkcGFzc3dvcmQ="  # `password`, four times


def refusal(**changes: str) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({**PRODUCTION, **changes})
    return str(refused.value)


def test_nothing_set_is_the_embedded_default() -> None:
    settings = Settings.from_env({"HOME": "/root"})
    assert (settings.host, settings.port, settings.env) == ("127.0.0.1", 8000, Env.DEVELOPMENT)
    assert settings.database.startswith("sqlite://")
    assert settings.wechat == "http://127.0.0.1:8001"
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
    assert "YZT_PROT" in refusal(YZT_PROT="1")


def test_production_starts_with_its_secrets() -> None:
    settings = Settings.from_env(PRODUCTION)
    assert settings.production
    assert {ring: list(found.by_id) for ring, found in settings.keys().items()} == {
        "token_keys": ["tests"],
        "vault_keys": ["tests"],
        "index_keys": ["tests"],
        "audit_keys": ["tests"],
    }


@pytest.mark.parametrize("missing", REQUIRED)
def test_production_refuses_to_start_without_each(missing: str) -> None:
    assert missing in refusal(**{missing: ""})


def test_production_names_all_that_is_missing_and_all_that_is_malformed_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"YZT_ENV": "production", "YZT_PORT": "many", "YZT_TOKEN_KEYS": "one"})
    said = str(refused.value)
    assert [name for name in (*REQUIRED, "YZT_PORT") if said.count(name + " ") != 1] == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("YZT_METRICS_TOKEN", "short"),
        ("YZT_METRICS_TOKEN", " " * 20),
        ("YZT_METRICS_TOKEN", "sixteen but\tblank"),
        ("YZT_DATABASE_URL", "sqlite://:memory:"),
        ("YZT_DATABASE_URL", "sqlite://file::memory:?cache=shared"),
        ("YZT_DATABASE_URL", "sqlite://"),
        ("YZT_WECHAT_URL", "http://api.weixin.qq.com"),
        ("YZT_WECHAT_URL", "https://127.0.0.1:8001"),
        ("YZT_WECHAT_URL", "https://localhost"),
        ("YZT_WECHAT_URL", "https://[::1]:8001"),
        ("YZT_WECHAT_URL", "https://["),
        ("YZT_WECHAT_URL", "https://127.1"),
        ("YZT_WECHAT_URL", "https://2130706433"),
        ("YZT_WECHAT_URL", "https://0x7f.1"),
        ("YZT_WECHAT_URL", "https://127.0.0.1."),
        ("YZT_WECHAT_URL", "https://１２７.０.０.１"),
        ("YZT_WECHAT_URL", "https://localhost."),
        ("YZT_WECHAT_URL", "https://LOCALHOST:8001"),
        ("YZT_WECHAT_URL", "https://foo.localhost"),
        ("YZT_WECHAT_URL", "https://foo.localhost."),
        ("YZT_WECHAT_URL", "https://localhost.localdomain"),
        ("YZT_WECHAT_URL", "https://0.0.0.0"),
        ("YZT_WECHAT_URL", "https://[::]"),
        ("YZT_WECHAT_URL", "https://[::ffff:127.0.0.1]"),
        ("YZT_WECHAT_URL", "https://api.weixin.qq.com:99999"),
        ("YZT_WECHAT_URL", "https://api.weixin.qq.com:0"),
        ("YZT_WECHAT_URL", "https://name:secret@api.weixin.qq.com"),
        ("YZT_WECHAT_URL", "api.weixin.qq.com"),
        ("YZT_WECHAT_APPID", DEVELOPMENT_MINI_PROGRAM.appid),
        ("YZT_WECHAT_APPID", DEVELOPMENT_SERVICE_ACCOUNT.appid),
        ("YZT_SERVICE_APPID", PRODUCTION["YZT_WECHAT_APPID"]),
        ("YZT_WECHAT_SECRET", DEVELOPMENT_MINI_PROGRAM.secret),
        ("YZT_WECHAT_SECRET", "with a blank"),
        ("YZT_SERVICE_SECRET", "with-its-newline\n"),
        ("YZT_WECHAT_CALLBACK_TOKEN", DEVELOPMENT_MINI_PROGRAM.callback_token),
        ("YZT_WECHAT_CALLBACK_TOKEN", "ab"),
        ("YZT_SERVICE_CALLBACK_TOKEN", "a" * 33),
        ("YZT_SERVICE_CALLBACK_TOKEN", "with-a-hyphen"),
        ("YZT_SERVICE_CALLBACK_TOKEN", PRODUCTION["YZT_WECHAT_CALLBACK_TOKEN"]),
        ("YZT_WECHAT_CALLBACK_KEY", DEVELOPMENT_SERVICE_ACCOUNT.callback_key),
        ("YZT_SERVICE_CALLBACK_KEY", "a" * 42),
        ("YZT_SERVICE_CALLBACK_KEY", "a" * 44),
        ("YZT_SERVICE_CALLBACK_KEY", "-" * 43),
        ("YZT_TOKEN_KEYS", f"development:{OTHER_KEY}"),
        ("YZT_VAULT_KEYS", f"new:{OTHER_KEY},development:{keys.key('older')}"),
        ("YZT_INDEX_KEYS", f"zeros:{ZEROS}"),
        ("YZT_INDEX_KEYS", f"phrase:{PASS_PHRASE}"),
        ("YZT_VAULT_KEYS", PRODUCTION["YZT_TOKEN_KEYS"]),
        ("YZT_INDEX_KEYS", f"new:{OTHER_KEY},old:{keys.key('vault_keys')}"),
        ("YZT_TOKEN_KEYS", f"new:{OTHER_KEY},same:{OTHER_KEY}"),
        ("YZT_TOKEN_KEYS", f"same:{OTHER_KEY},same:{keys.key('older')}"),
        ("YZT_TOKEN_KEYS", "k:not-base64"),
        ("YZT_TOKEN_KEYS", "k:c2hvcnQ="),
        ("YZT_TOKEN_KEYS", OTHER_KEY),
    ],
)
def test_production_refuses_what_is_no_secret_of_its_own(variable: str, value: str) -> None:
    said = refusal(**{variable: value})
    assert f"{variable} " in said
    assert not value.strip() or value.strip() not in said
    assert [secret for secret in SECRETS if secret in said] == []


def test_printed_settings_show_no_secret() -> None:
    settings = Settings.from_env(PRODUCTION)
    shown = repr(settings) + str(settings) + f"{settings.token_keys} {settings.mini_program} {settings.keys()}"
    assert [secret for secret in SECRETS if secret in shown] == []
    assert PRODUCTION["YZT_WECHAT_APPID"] in shown


@pytest.mark.parametrize("words", [[], ["worker"], ["migrate"], ["jobs"]])
def test_a_process_without_its_secrets_says_so_in_one_line(words: list[str]) -> None:
    ended = command(*words, YZT_ENV="production", YZT_METRICS_TOKEN="not-to-be-shown")
    assert ended.returncode == 2
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("yizhitong cannot start: ")
    assert [name for name in REQUIRED if name not in line] == []
    assert "not-to-be-shown" not in line


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org"])  # noqa: S104 -- it is refused
def test_development_stays_on_this_machine(host: str) -> None:
    with pytest.raises(SettingsError, match="YZT_HOST"):
        Settings.from_env({"YZT_HOST": host})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_the_loopback_is_this_machine(host: str) -> None:
    assert Settings.from_env({"YZT_HOST": host}).host == host


def test_an_address_of_version_6_is_bracketed() -> None:
    assert Settings.from_env({"YZT_HOST": "::1", "YZT_PORT": "81"}).base == "http://[::1]:81"


def in_compose(service: str) -> dict[str, str]:
    """The environment that compose.yaml and the Dockerfile give a service where all that they ask for is there."""
    given = {**PRODUCTION, "YZT_APP_PASSWORD": "a", "YZT_OWNER_PASSWORD": "b"}
    composed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))

    def filled(text: str) -> str:
        return re.sub(r"\$\{(\w+):([?-])(\w*)\}", lambda match: given.get(match[1]) or match[3], text)

    image = dict(re.findall(r"(YZT_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    environment = composed["services"][service]["environment"]
    return {**image, **{name: filled(str(text)) for name, text in environment.items()}}


@pytest.mark.parametrize("service", ["app", "worker", "migrate"])
def test_each_service_of_compose_has_what_production_asks_for(service: str) -> None:
    settings = Settings.from_env(in_compose(service))
    assert settings.production
    assert settings.wechat == "https://api.weixin.qq.com"
    assert settings.proxies == 1


def test_by_what_right_postings_are_published_is_said_in_production_and_stood_in_for_elsewhere() -> None:
    assert Settings.from_env({}).operator is not None
    assert Settings.from_env(PRODUCTION).operator is None
    said = {"YZT_OPERATOR_QUALIFICATION": "人力资源服务许可证;340800000001;2028-06-30"}
    operator = Settings.from_env({**PRODUCTION, **said}).operator
    assert operator
    assert (operator.kind, operator.valid_to.isoformat()) == ("人力资源服务许可证", "2028-06-30")
    for wrong in ("许可证;1", ";1;2028-06-30", "许可证;1;2028-13-01"):
        assert "YZT_OPERATOR_QUALIFICATION" in refusal(YZT_OPERATOR_QUALIFICATION=wrong)
