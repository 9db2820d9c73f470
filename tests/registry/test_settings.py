"""Settings are checked when the program starts, all of them together."""

from ipaddress import ip_network

import pytest

from registry.settings import Settings, SettingsError, read

NEEDED = {
    "DATABASE_URL": "postgresql://localhost/registry",
    "S3_ENDPOINT": "http://127.0.0.1:9",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def read_with(**settings: str) -> Settings:
        for name, value in {**NEEDED, **settings}.items():
            monkeypatch.setenv(f"REGISTRY_{name}", value)
        return read()

    for name in ("RATE_LIMIT_TOKEN", "RATE_LIMIT_ADDRESS"):
        monkeypatch.delenv(f"REGISTRY_{name}", raising=False)
    return read_with


def test_nobody_is_trusted_and_everybody_is_limited_by_default(given) -> None:  # type: ignore[no-untyped-def]
    settings = given()
    assert (settings.trusted_proxies, settings.allowed_origins) == ((), ())
    assert (settings.rate_limit_token, settings.rate_limit_address) == ("1200/minute", "600/minute")


def test_proxies_are_addresses_and_networks(given) -> None:  # type: ignore[no-untyped-def]
    settings = given(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,2001:db8::/32")
    assert settings.trusted_proxies == (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "nginx.internal"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "*"),
        ("RATE_LIMIT_TOKEN", "many"),
        ("RATE_LIMIT_ADDRESS", "10 per lightyear"),
        ("RATE_LIMIT_ADDRESS", "10/minute;100/hour"),
        ("RATE_LIMIT_ADDRESS", "0/minute"),
        ("RATE_LIMIT_ADDRESS", "-1/minute"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "null"),
        ("ALLOWED_ORIGINS", "https://inspectie.example.nl/"),
        ("ALLOWED_ORIGINS", "https://*.example.nl"),
        ("ALLOWED_ORIGINS", "inspectie.example.nl"),
        ("POOL_SIZE", "0"),
        ("PHOTO_RETENTION_YEARS", "0"),
        ("PHOTO_RETENTION_YEARS", "201"),
        ("PHOTO_RETENTION_YEARS", "ten"),
        ("PHOTO_RETENTION_YEARS", ""),
    ],
)
def test_a_wrong_setting_is_named(given, name: str, value: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match=name):
        given(**{name: value})


def test_all_wrong_settings_are_named_together(given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError) as caught:
        given(TRUSTED_PROXIES="x", RATE_LIMIT_TOKEN="x", ALLOWED_ORIGINS="*", S3_ENDPOINT="")
    assert all(name in str(caught.value) for name in ("TRUSTED_PROXIES", "RATE_LIMIT_TOKEN", "ALLOWED_ORIGINS", "S3_ENDPOINT"))
    assert "secret" not in str(caught.value)


def test_an_empty_rate_is_no_limit(given) -> None:  # type: ignore[no-untyped-def]
    assert given(RATE_LIMIT_TOKEN="").rate_limit_token == ""


def test_nothing_is_destroyed_for_its_age_unless_a_term_is_given(given) -> None:  # type: ignore[no-untyped-def]
    assert given().photo_retention_years is None
    assert given(PHOTO_RETENTION_YEARS="10").photo_retention_years == 10
