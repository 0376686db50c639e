"""A provisioning network that is complete but for the boot service: bridge, dnsmasq, artifacts, certificates, keys.

The boot service is the caller's, so that a test may stop, kill and start it; it serves on ``listeners()``, whose sockets
may also be handed to a child process. Everything is gone with the block.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from boot.certificates import Authority, load_authority, make_server_files
from boot.dnsmasq import DhcpSettings, Subnet, render_hosts, write_atomically
from boot.image.publish import Published, publish_all
from boot.image.recipe import ImageRecipe
from boot.settings import BootSettings
from lab.qemu.dnsmasq import Dnsmasq, dnsmasq
from lab.qemu.network import ADVERTISED, BRIDGE, Network, network
from workflows.model.desired import Desired

ADDRESS = IPv4Address("10.77.0.1")
PREFIX = IPv4Network("10.77.0.0/24")
HTTP_PORT, HTTPS_PORT = 8080, 8443
#: Our own image, with what the tools of a simulated InfiniBand adapter need. One for the whole lab: it takes a minute.
RECIPE = ImageRecipe(name="debian-12-lab", packages=(*ImageRecipe().packages, "infiniband-diags", "libumad2sim0"))
_SUBNET = Subnet(PREFIX, pool=(IPv4Address("10.77.0.100"), IPv4Address("10.77.0.200")))


@dataclass(frozen=True, slots=True)
class Provisioning:
    """The network and what a boot service on it needs. ``ssh_key`` is the private key that installed nodes let in."""

    network: Network
    directory: Path
    published: Published
    settings: BootSettings
    authority: Authority
    tls: ssl.SSLContext
    ssh_key: Path
    dhcp: Dnsmasq

    def listeners(self) -> tuple[socket.socket, socket.socket]:
        """Sockets for the boot service's HTTP and HTTPS sides."""
        return self.network.bind(HTTP_PORT), self.network.bind(HTTPS_PORT)

    def know(self, nodes: Iterable[Desired]) -> None:
        """Give these nodes the addresses that the inventory names."""
        if write_atomically(self.directory / "hosts", render_hosts(nodes, (_SUBNET,))):
            self.dhcp.reload()

    def ssh(self, address: str, host_key: str, *command: str) -> list[str]:
        """The command that runs another one on an installed node, with host-key checking on."""
        known = self.directory / f"known-{address}"
        known.write_text(f"{address} {host_key}\n")
        options = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "BatchMode=yes", "ConnectTimeout=5"]
        words = [word for option in options for word in ("-o", option)]
        return self.network.inside("ssh", "-i", str(self.ssh_key), *words, f"root@{address}", *command)


@asynccontextmanager
async def provisioning(directory: Path, *, cache: Path, site: str, machines: int) -> AsyncIterator[Provisioning]:
    """Build what is missing in ``cache`` and run the network, with a tap for each of ``machines``.

    Raises:
        Refused: not root, or a Debian package is missing; the message names it.
    """
    artifacts = directory / "artifacts"
    published = await asyncio.to_thread(publish_all, RECIPE, cache, artifacts)
    key = await _ssh_key(directory)
    public = await asyncio.to_thread(key.with_suffix(".pub").read_text)
    now = datetime.now(UTC)
    authority = load_authority(directory / "ca", site, now)
    dhcp = DhcpSettings(
        interface=BRIDGE,
        boot_url=f"http://{ADDRESS}:{HTTP_PORT}",
        subnets=(_SUBNET,),
        hosts_file=directory / "hosts",
        lease_file=directory / "leases",
        tftp_root=Path("/usr/lib/ipxe"),
        advertise=ADVERTISED,
    )
    settings = BootSettings(
        site=site,
        http_url=f"http://{ADDRESS}:{HTTP_PORT}",
        https_url=f"https://{ADDRESS}:{HTTPS_PORT}",
        artifacts=artifacts,
        kernel=published.kernel,
        initrd=published.initrd,
        authorized_keys=(public.strip(),),
    )
    tls = make_server_files(authority, (str(ADDRESS),), directory, now)
    async with network(f"{ADDRESS}/{PREFIX.prefixlen}", machines) as net, dnsmasq(net, dhcp, directory) as server:
        yield Provisioning(net, directory, published, settings, authority, tls, key, server)


async def _ssh_key(directory: Path) -> Path:
    key = directory / "id_ed25519"
    made = await asyncio.create_subprocess_exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key)
    await made.wait()
    return key
