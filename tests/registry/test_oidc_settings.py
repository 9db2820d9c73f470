"""Settings about the OpenID provider: what is wrong is named, all at once."""

import pytest

from registry.settings import TOKEN_ALGORITHMS, Settings, SettingsError, protected, read


@pytest.fixture
def given(engine, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """The settings that these variables (without REGISTRY_OIDC_) give."""

    def read_with(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(f"REGISTRY_OIDC_{name}", value)
        return read()

    return read_with


def test_without_an_issuer_there_is_no_provider_and_nothing_else_is_asked(given) -> None:  # type: ignore[no-untyped-def]
    assert given().oidc_issuer == ""
    assert given(ISSUER="").oidc_audience == ""


def test_a_provider_is_an_issuer_and_an_audience(given) -> None:  # type: ignore[no-untyped-def]
    found = given(ISSUER="https://login.example.nl/realms/a", AUDIENCE="https://registry.example.nl/v1", CLIENT_ID="registry", CLIENT_SECRET="very secret")
    assert (found.oidc_issuer, found.oidc_audience) == ("https://login.example.nl/realms/a", "https://registry.example.nl/v1")
    assert (found.oidc_client_id, found.oidc_client_secret) == ("registry", "very secret")
    assert found.oidc_algorithms == TOKEN_ALGORITHMS
    assert "very secret" not in repr(found)


def test_an_issuer_without_an_audience_is_refused(given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match="REGISTRY_OIDC_AUDIENCE"):
        given(ISSUER="https://login.example.nl")


def test_the_algorithms_are_those_of_the_list(given) -> None:  # type: ignore[no-untyped-def]
    assert given(ALGORITHMS="ES256,EdDSA").oidc_algorithms == ("ES256", "EdDSA")


@pytest.mark.parametrize("algorithms", ["none", "HS256", "RS256,HS256", "RS256,NONE", "ES256K", ""])
def test_no_algorithm_with_a_shared_secret_or_none_can_be_set(given, algorithms: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match="REGISTRY_OIDC_ALGORITHMS"):
        given(ALGORITHMS=algorithms)


def test_all_faults_about_the_provider_are_named_at_once(given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError) as refusal:
        given(ISSUER="http://login.example.nl", ALGORITHMS="HS256")
    for name in ("ISSUER", "AUDIENCE", "ALGORITHMS"):
        assert f"REGISTRY_OIDC_{name}" in str(refusal.value)


@pytest.mark.parametrize(
    "issuer", ["login.example.nl", "ftp://login.example.nl", "https://", "https://a@b.nl", "https://b.nl?x=1", "https://b.nl#x", "https://[::1"]
)
def test_an_issuer_is_a_plain_https_url(given, issuer: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match="REGISTRY_OIDC_ISSUER"):
        given(ISSUER=issuer, AUDIENCE="registry")


@pytest.mark.parametrize("url", ["https://login.example.nl", "http://127.0.0.1:8080/a", "http://localhost", "http://[::1]:80", "http://127.8.8.8"])
def test_what_is_https_or_stays_on_this_machine_is_protected(url: str) -> None:
    assert protected(url)


@pytest.mark.parametrize(
    "url", ["http://login.example.nl", "http://10.0.0.1", "http://localhost.example.nl", "http://0.0.0.0", "file:///etc/passwd", "//b.nl", ""]
)
def test_what_others_on_the_way_could_change_is_not(url: str) -> None:
    assert not protected(url)
