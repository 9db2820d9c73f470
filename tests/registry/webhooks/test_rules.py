"""What a webhook may be and how often something is tried: pure functions."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.webhooks import addresses, rules
from registry.webhooks.addresses import as_address, is_public, may_connect
from registry.webhooks.model import DeliveryError
from registry.webhooks.rules import Answer, check_events, check_url, next_attempt, rest, wants

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRIVATE = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.1.2.3",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "145.0.0.1", "172.32.0.1", "172.15.255.255", "100.128.0.1", "2a00:1450:400e::1", "2606:4700::1111", "::ffff:1.1.1.1")
HOSTILE = (
    "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://017700000001/", "https://0177.0.0.1/",
    "https://0/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[fe80::1%25eth0]/", "https://[fe80::1]/",
    "https://[fd00:ec2::254]/", "https://169.254.169.254/latest/meta-data/", "https://localhost/", "https://LOCALHOST/", "https://localhost./",
    "https://x.localhost/", "https://metadata.google.internal/", "https://printer.local/", "https://intranet/", "https://127.0.0.1.:443/",
    "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/", "https://user:password@example.com/", "https://user@example.com/",
    "https://example.com#x", "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:70/", "//example.com/", "example.com",
    "https://", "https:///x", "https://exa mple.com/", "https://example.com\\@127.0.0.1/", "https://example.com/\nX: y", "https://example.com/\ty",
    "https://①②⑦.0.0.1/", "https://ⓔxample.com/", "https://example.com:22/", "https://example.com:25/", "https://example.com:6553600/",
    "https://example.com:x/", "https://example.com:0/", "https://[::1", "https://[v1.x]/", "https://.example.com/", "https://example..com/",
    "https://-example.com/", "https://example.123/", "https://1.1.1.1.1/", "https://a" + "a" * 63 + ".nl/", "https://" + "a." * 130 + "nl/",
    "https://%31%32%37.0.0.1/", "https://127.0.0.1%00.example.com/", "https://xn--/", "javascript:alert(1)",
)  # fmt: skip
GOOD = (
    "https://hooks.example.nl/registry", "https://hooks.example.nl", "https://hooks.example.nl:8443/a?token=x&y=1", "https://1.1.1.1/", "https://EXAMPLE.nl/A",
    "https://xn--bcher-kva.example/", "https://[2606:4700::1111]/",
)  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_public_is_not_connected_to(text: str) -> None:
    assert not is_public(as_address(text))
    assert not may_connect(as_address(text), encrypted=True, allowed=())


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_connected_to_over_tls_only(text: str) -> None:
    assert may_connect(as_address(text), encrypted=True, allowed=())
    assert not may_connect(as_address(text), encrypted=False, allowed=())


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: addresses.Address) -> None:
    judged = as_address(str(address))
    if judged.is_private or judged.is_loopback or judged.is_link_local or judged.is_multicast or judged.is_reserved or judged.is_unspecified:
        assert not is_public(judged)


def test_a_network_that_is_allowed_may_be_private_and_unencrypted_and_its_neighbour_not() -> None:
    allowed = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
    for text in ("10.1.2.3", "fd00:1::5", "::ffff:10.1.2.3"):
        assert may_connect(as_address(text), encrypted=False, allowed=allowed)
    for text in ("10.2.0.1", "127.0.0.1", "fd00:2::1"):
        assert not may_connect(as_address(text), encrypted=True, allowed=allowed)


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url: str) -> None:
    assert check_url(url, ())


@pytest.mark.parametrize("url", GOOD)
def test_a_usual_url_is_taken(url: str) -> None:
    assert check_url(url, ()) == []


def test_a_url_in_an_allowed_network_may_be_http() -> None:
    allowed = (ip_network("10.1.0.0/16"),)
    for url in ("http://10.1.2.3:8080/x", "http://esb.corporatie.nl/x"):
        assert check_url(url, allowed) == []
    assert [fault.code for fault in check_url("http://10.2.0.1/", allowed)] == ["webhook-url-private"]


@given(st.text())
def test_no_text_breaks_the_check_of_a_url(text: str) -> None:
    check_url(text, ())
    check_url(f"https://{text}", ())


def test_the_schedule_is_that_of_standard_webhooks_and_ends() -> None:
    waits = [next_attempt(Answer(500), tries, NOW, chance=0) for tries in range(1, 10)]
    assert [(wait - NOW).total_seconds() for wait in waits if wait] == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert next_attempt(Answer(500), 10, NOW) is None
    later = next_attempt(Answer(500), 2, NOW, chance=1)
    assert later == NOW + timedelta(seconds=360)
    assert len({next_attempt(Answer(500), 3, NOW) for _ in range(5)}) > 1, "nobody comes back at the same moment as the others"


@pytest.mark.parametrize("status", [413, 422])
def test_what_says_it_will_never_be_taken_is_not_tried_again(status: int) -> None:
    assert next_attempt(Answer(status), 1, NOW) is None


@pytest.mark.parametrize(("asked", "waits_s"), [(1, 5), (60, 60), (10**9, 86400), (None, 5)])
def test_a_receiver_may_ask_for_more_time_but_not_for_less_or_for_ever(asked: int | None, waits_s: int) -> None:
    assert next_attempt(Answer(429, retry_after_s=asked), 1, NOW, chance=0) == NOW + timedelta(seconds=waits_s)


def test_a_receiver_that_fails_gets_longer_and_longer_rests_up_to_five_minutes() -> None:
    rests = [rest(failures, NOW) for failures in (1, 9, 10, 11, 13, 100, 10**6)]
    assert [found and (found - NOW).total_seconds() for found in rests] == [None, None, 5, 10, 40, 300, 300]


@pytest.mark.parametrize(
    ("events", "action", "heard"),
    [
        ((), "milestone.confirmed", True),
        (("milestone",), "milestone.confirmed", True),
        (("milestone.confirmed",), "milestone.confirmed", True),
        (("milestone.confirmed",), "milestone.reported", False),
        (("mile",), "milestone.reported", False),
    ],
)
def test_a_webhook_hears_what_it_names(events: tuple[str, ...], action: str, heard: bool) -> None:
    assert wants(events, action) is heard


def test_the_name_of_an_event_has_the_form_of_a_word_of_the_log() -> None:
    assert check_events(["milestone", "dwelling.label-registered"]) == []
    assert [fault.pointer for fault in check_events(["*", "Milestone", "a.b.c", "ok"])] == ["/events/0", "/events/1", "/events/2"]


def test_only_a_status_of_success_is_taken() -> None:
    assert [Answer(status).taken for status in (200, 204, 299, 301, 400, 500)] == [True, True, True, False, False, False]
    assert not Answer(None, error=DeliveryError.TIMED_OUT).taken
    assert ip_address("127.0.0.1") == as_address("::ffff:127.0.0.1")
    assert set(rules.ROLES.values()) == {"corporation-editor", "municipality-editor", "reviewer"}
