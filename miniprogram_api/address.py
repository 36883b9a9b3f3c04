"""Where a request comes from, as far as limits are counted by it."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from sanic import Request

_HOME_BITS = 64


def address_of(request: Request) -> str:
    """Return the client's address; of IPv6 the network, since every home has 2⁶⁴ addresses of its own.

    What proxies say counts only where `YZT_PROXIES` says that there are some, which Sanic looks after.
    """
    return origin(request.remote_addr) or origin(request.ip) or request.ip


def origin(text: str) -> str:
    """Return the address or network that `text` stands for, nothing for what is no address."""
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(IPv6Network((address, _HOME_BITS), strict=False)) if isinstance(address, IPv6Address) else str(address)
