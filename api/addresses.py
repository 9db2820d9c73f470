"""Where a request comes from: the address of the peer, or what a proxy that is trusted says of its own peer. And where it went to.

Only `REGISTRY_TRUSTED_PROXIES` decides who is believed. A Unix socket has no peer, so nothing it forwards is believed either and all its callers are
one: let the proxy speak to a port of the loopback address instead.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from flask import request

from registry.settings import protected, settings

NO_PEER = "unknown"
COUNTED_IPV6_BITS = 64
"""What one household or office has; it can use any address in it."""
Address = IPv4Address | IPv6Address


def remote_address() -> str:
    """The address of the caller: the right-most one in X-Forwarded-For that is no trusted proxy, when the peer is one.

    The peer's own address when the header is missing or holds anything but addresses on the way there; `NO_PEER` on a Unix socket.
    """
    peer = _address(request.remote_addr or "")
    if peer is None:
        return NO_PEER
    if not _is_trusted(peer):
        return str(peer)
    for text in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        address = _address(text.strip())
        if address is None:
            break
        if not _is_trusted(address):
            return str(address)
    return str(peer)


def counted(address: str) -> str:
    """What stands for ``address`` in counts: IPv6 by its network of /64, all else as it is."""
    read = _address(address)
    return str(ip_network((read, COUNTED_IPV6_BITS), strict=False)) if isinstance(read, IPv6Address) else address


def own_origin() -> str:
    """The origin of the register as this caller reaches it. Outside this machine that is always https, which a proxy takes off before we see it."""
    plain = f"http://{request.host}"
    return plain if protected(plain) and not request.is_secure else f"https://{request.host}"


def store_within_reach() -> bool:
    """Whether this caller reaches the object store too: not when that is on loopback and she is elsewhere."""
    store = urlsplit(settings().s3_public_endpoint).netloc
    return not protected(f"http://{store}") or protected(f"http://{request.host}")


def is_own_origin(origin: str) -> bool:
    return origin == own_origin()


def _address(text: str) -> Address | None:
    """None for what is no address. An IPv4 address in its IPv6 form is the IPv4 address; a zone is left out."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings().trusted_proxies)
