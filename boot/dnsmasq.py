"""Renders dnsmasq's configuration and its host file from desired state.

Only DHCP and TFTP are dnsmasq's; all it says is an address and where ``boot.ipxe`` is. The configuration is for a site and
changes with its prefixes; the host file is for its nodes, and dnsmasq reads it again on SIGHUP, without a restart
(``--dhcp-hostsfile`` in dnsmasq(8)). A relayed subnet is one more range: dnsmasq chooses by the relay's address.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_interface
from pathlib import Path

from jinja2 import Environment

from boot.seed import hostname
from boot.templates import render
from workflows.model.desired import Desired
from workflows.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class Subnet:
    """A provisioning prefix. ``pool`` serves machines that nobody knows yet; None: only known ones get an address.

    ``proxy``: the site's own DHCP server gives addresses here, ours adds only where to boot from.
    """

    prefix: IPv4Network
    gateway: IPv4Address | None = None
    pool: tuple[IPv4Address, IPv4Address] | None = None
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class DhcpSettings:
    """What dnsmasq needs besides the nodes. ``advertise`` is an IPv6 prefix for router advertisements.

    Debian's iPXE waits 13 s for a router advertisement where none comes; where routers advertise, leave it None.
    """

    interface: str
    boot_url: str
    subnets: tuple[Subnet, ...]
    hosts_file: Path
    lease_file: Path
    tftp_root: Path
    nameservers: tuple[str, ...] = ()
    advertise: str | None = None


def render_config(settings: DhcpSettings, within: Environment) -> str:
    """The configuration file."""
    return render("dnsmasq/dnsmasq.conf.j2", {"s": settings}, within=within)


def render_hosts(nodes: Iterable[Desired], subnets: tuple[Subnet, ...]) -> str:
    """The host file: a line for each interface that has a MAC and an address in a prefix that we serve.

    Raises:
        BadInput: an address of the inventory is none.
    """
    lines = []
    for desired in sorted(nodes, key=lambda d: d.node):
        for interface in desired.interfaces:
            address = next(
                (a for a in map(_parsed, (a.cidr for a in interface.addresses)) if _served(a, subnets)), None
            )
            if interface.mac and not interface.mgmt_only and address is not None:
                lines.append(f"{interface.mac.lower()},{address.ip},{hostname(desired).partition('.')[0]}\n")
    return "".join(lines)


def write_atomically(path: Path, text: str) -> bool:
    """Replace a file that dnsmasq reads; False where it already says so and nobody needs to be told."""
    if path.exists() and path.read_text() == text:
        return False
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)
    return True


def _parsed(cidr: str) -> IPv4Interface | None:
    try:
        address = ip_interface(cidr)
    except ValueError:
        raise BadInput(f"{cidr[:100]!r} is no address; correct it in the inventory") from None
    return address if isinstance(address, IPv4Interface) else None


def _served(address: IPv4Interface | None, subnets: tuple[Subnet, ...]) -> bool:
    return address is not None and any(address.ip in subnet.prefix and not subnet.proxy for subnet in subnets)
