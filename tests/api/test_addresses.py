"""The address of the caller: of the peer, unless a proxy we trust says otherwise."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask import Flask

from api import addresses
from api.addresses import NO_PEER, counted, remote_address
from registry.settings import settings

PROXY = "10.0.0.1"


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, application: Flask) -> Flask:
    config = replace(settings(), trusted_proxies=(ip_network("10.0.0.0/24"), ip_network("2001:db8:ffff::1/128")))
    monkeypatch.setattr(addresses, "settings", lambda: config)
    return application


def seen(app: Flask, peer: str, *forwarded: str) -> str:
    with app.test_request_context(environ_base={"REMOTE_ADDR": peer}, headers=[("X-Forwarded-For", each) for each in forwarded]):
        return remote_address()


def test_a_peer_that_is_no_proxy_is_the_caller_whatever_it_says(trusting: Flask) -> None:
    assert seen(trusting, "198.51.100.7", "203.0.113.9") == "198.51.100.7"
    assert seen(trusting, "10.0.1.1", "203.0.113.9") == "10.0.1.1"


def test_without_trusted_proxies_nobody_is_believed(application: Flask) -> None:
    assert seen(application, PROXY, "203.0.113.9") == PROXY


@pytest.mark.parametrize(
    ("forwarded", "caller"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["1.1.1.1", "203.0.113.9,10.0.0.2"], "203.0.113.9"),
        (["garbage, 203.0.113.9"], "203.0.113.9"),
        (["2001:db8::7"], "2001:db8::7"),
        (["203.0.113.9, 2001:db8:ffff::1"], "203.0.113.9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, ::ffff:10.0.0.3"], "203.0.113.9"),
    ],
)
def test_the_right_most_address_that_is_no_proxy_of_ours_is_the_caller(trusting: Flask, forwarded: list[str], caller: str) -> None:
    assert seen(trusting, PROXY, *forwarded) == caller


@pytest.mark.parametrize(
    "forwarded", [[], [""], ["garbage"], ["203.0.113.9, garbage"], ["203.0.113.9,"], ["10.0.0.2"], ["203.0.113.9:80"], ["' OR 1=1"], ["1" * 5000]]
)
def test_a_proxy_that_names_no_caller_is_the_caller_itself(trusting: Flask, forwarded: list[str]) -> None:
    assert seen(trusting, PROXY, *forwarded) == PROXY


def test_a_proxy_that_comes_in_over_ipv6_as_ipv4_is_known(trusting: Flask) -> None:
    assert seen(trusting, "::ffff:10.0.0.1", "203.0.113.9") == "203.0.113.9"


def test_a_unix_socket_has_no_peer(trusting: Flask) -> None:
    assert seen(trusting, "", "203.0.113.9") == NO_PEER


def test_ipv6_is_counted_by_network_and_ipv4_by_address() -> None:
    assert counted("2001:db8:1:2:3:4:5:6") == counted("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert counted("2001:db8:1:3::") != counted("2001:db8:1:2::")
    assert counted("203.0.113.9") == "203.0.113.9"
    assert counted(NO_PEER) == NO_PEER
