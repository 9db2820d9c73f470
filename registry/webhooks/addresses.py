"""Where the register connects to when somebody else says where: public addresses, and private ones that whoever runs the register allows.

Whoever may set a webhook chooses an address that the register then sends to from inside a network. So what is judged is the address that is really
connected to, never the name, which can lead elsewhere a moment later.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT; metadata of Alibaba Cloud
            "127.0.0.0/8",
            "168.63.129.16/32",  # the host of a virtual machine in Azure: public by its number only
            "169.254.0.0/16",  # link-local; metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; metadata of Oracle Cloud
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # formerly 6to4 relays
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
"""What the registry of special-purpose addresses (RFC 6890, IANA) names, and what clouds put elsewhere."""
PUBLIC_V6 = IPv6Network("2000::/3")
"""All that is given out as global unicast: mapped, translated, unique-local, link-local and multicast addresses lie outside."""
NOT_PUBLIC_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address in disguise
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)


def as_address(text: str) -> Address:
    """An address as the resolver gives it. An IPv4 address in the guise of IPv6 (``::ffff:a.b.c.d``) is that IPv4 address. Raises ValueError."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC)
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def may_connect(address: Address, *, encrypted: bool, allowed: Sequence[Network]) -> bool:
    """``allowed`` are the networks of whoever runs the register; without encryption, nothing goes anywhere else."""
    return is_in(address, allowed) or (encrypted and is_public(address))
