"""The register connects to addresses that it has judged, whatever a name says, before or afterwards."""

import asyncio
import datetime
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.webhooks.model import DeliveryError
from registry.webhooks.outgoing import Outgoing, Resolve
from registry.webhooks.rules import Answer
from tests.registry.webhooks.receiver import Receiver, Say, a_receiver
from tests.registry.webhooks.test_rules import PRIVATE

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def resolving(*turns: Sequence[str]) -> Resolve:
    """A name server that answers something else each time, and its last answer from then on."""
    left = list(turns)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def post(url: str, *, times: int = 1, allowed: Sequence[object] = (), **more: object) -> list[Answer]:
    async def main() -> list[Answer]:
        outgoing = Outgoing(allowed, most=4, **more)  # type: ignore[arg-type]
        try:
            return [await outgoing.post(url, {"Content-Type": "text/plain"}, b"x") for _ in range(times)]
        finally:
            await outgoing.close()

    return asyncio.run(main())


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_not_followed(address: str) -> None:
    (answer,) = post("https://hooks.example.nl/", resolve=resolving([address]))
    assert answer == Answer(None, error=DeliveryError.ADDRESS_REFUSED)


@pytest.mark.parametrize("addresses", [["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["2606:4700::1111", "::1"]])
def test_a_name_with_one_address_inside_is_a_trap(addresses: list[str]) -> None:
    (answer,) = post("https://hooks.example.nl/", resolve=resolving(addresses))
    assert answer.error is DeliveryError.ADDRESS_REFUSED


@pytest.mark.parametrize(
    "url",
    ["http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/", "http://127.1:{port}/", "http://localhost:{port}/",
     "http://[::ffff:127.0.0.1]:{port}/", "http://0:{port}/"],
)  # fmt: skip
def test_whatever_the_real_resolver_makes_of_a_host_is_judged(url: str) -> None:
    with a_receiver() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        (answer,) = post(url.format(port=port))
        assert answer.error in (DeliveryError.ADDRESS_REFUSED, DeliveryError.NAME_UNKNOWN)
        assert receiver.got == []


def test_the_address_that_was_judged_is_the_one_that_is_connected_to_although_the_name_says_another_a_moment_later() -> None:
    """Rebinding: were the name looked up again to connect, the second answer would lead elsewhere."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    with a_receiver() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        (answer,) = post(f"http://rebound.example.nl:{port}/x", resolve=resolve, allowed=(ip_network("127.0.0.1/32"),))
        assert (answer.status, asked, receiver.got[0].headers["host"]) == (200, ["rebound.example.nl"], f"rebound.example.nl:{port}")


def test_a_name_that_leads_inside_the_second_time_is_refused_then() -> None:
    answer = post("https://hooks.example.nl:9/", times=2, resolve=resolving(["192.0.2.1"], ["127.0.0.1"]))
    assert [each.error for each in answer] == [DeliveryError.ADDRESS_REFUSED] * 2


def test_nothing_goes_unencrypted_to_a_public_address() -> None:
    (answer,) = post("http://hooks.example.nl/", resolve=resolving(["1.1.1.1"]), allowed=LOOPBACK)
    assert answer.error is DeliveryError.ADDRESS_REFUSED


def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        (answer,) = post("http://127.0.0.1:9/", allowed=LOOPBACK)
        assert (answer.error, proxy.got) == (DeliveryError.CONNECTION_FAILED, [])


@pytest.mark.parametrize(("header", "asked"), [("120", 120), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("soon", None), ("-5", None), ("9" * 5000, 999_999_999)])
def test_what_a_receiver_asks_for_is_understood_or_ignored(header: str, asked: int | None) -> None:
    with a_receiver(lambda got: Say(429, {"Retry-After": header}, b"later\x00\x1b[31m\xff")) as receiver:
        (answer,) = post(receiver.url, allowed=LOOPBACK)
    assert (answer.status, answer.retry_after_s, answer.text) == (429, asked, "later��[31m�")


def test_a_connection_is_used_again_and_one_that_was_closed_is_replaced() -> None:
    with a_receiver() as receiver:
        answers = post(receiver.url, times=3, allowed=LOOPBACK)
    assert [answer.status for answer in answers] == [200, 200, 200]


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / f"{name}.pem"
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
        return path

    return make


@pytest.fixture
def secure(certificate: Callable[[str], Path]) -> Iterator[tuple[Receiver, Path]]:
    """A receiver with TLS whose certificate is for hooks.example.nl."""
    path = certificate("hooks.example.nl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with a_receiver(tls=context) as receiver:
        yield receiver, path


@pytest.mark.parametrize(("name", "error"), [("hooks.example.nl", None), ("elsewhere.example.nl", DeliveryError.CONNECTION_FAILED)])
def test_the_certificate_must_be_that_of_the_name_not_of_the_address(secure: tuple[Receiver, Path], name: str, error: DeliveryError | None) -> None:
    receiver, path = secure
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    trusting = ssl.create_default_context(cafile=str(path))
    (answer,) = post(f"https://{name}:{port}/", resolve=resolving(["127.0.0.1"]), allowed=LOOPBACK, trusting=trusting)
    assert answer.error is error


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: tuple[Receiver, Path]) -> None:
    receiver, _ = secure
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    (answer,) = post(f"https://hooks.example.nl:{port}/", resolve=resolving(["127.0.0.1"]), allowed=LOOPBACK)
    assert answer.error is DeliveryError.CONNECTION_FAILED


@pytest.mark.parametrize("said", [b"\x00\xff not http", b"HTTP/1.1 999999 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000, b""])
def test_what_is_no_http_breaks_nothing(said: bytes) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        (answer,) = post(f"http://127.0.0.1:{server.getsockname()[1]}/", allowed=LOOPBACK)
    assert answer.error in (DeliveryError.PROTOCOL, DeliveryError.CONNECTION_FAILED)
