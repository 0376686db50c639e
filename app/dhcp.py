"""dnsmasq by the site's configuration: its configuration file rendered, its host file kept in step with the inventory.

dnsmasq is told to read the host file again without a restart.
"""

import asyncio
import os
import signal
from pathlib import Path

from app.config import BootConfig, DhcpConfig
from boot.dnsmasq import DhcpSettings, Subnet, render_config, render_hosts, write_atomically
from boot.templates import environment
from workflows.engine.ports import Store
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.keys import Site


def subnets_of(dhcp: DhcpConfig) -> tuple[Subnet, ...]:
    """The provisioning prefixes of the configuration."""
    return tuple(Subnet(p.prefix, p.gateway, p.pool, p.proxy) for p in dhcp.prefixes)


def dnsmasq_config(boot: BootConfig | None) -> str:
    """dnsmasq's configuration for this site.

    Raises:
        BadInput: the configuration doesn't say what dnsmasq needs; the message names the setting.
    """
    if boot is None or boot.dhcp is None:
        raise BadInput("the configuration has no section boot.dhcp: add it with hosts_file, prefixes and interface")
    dhcp = boot.dhcp
    if dhcp.interface is None:
        raise BadInput("boot.dhcp.interface is missing: name the network interface that dnsmasq listens on")
    return render_config(
        DhcpSettings(
            interface=dhcp.interface,
            boot_url=boot.http_url,
            subnets=subnets_of(dhcp),
            hosts_file=dhcp.hosts_file,
            lease_file=dhcp.lease_file,
            tftp_root=dhcp.tftp_root,
            nameservers=boot.nameservers,
            advertise=str(dhcp.advertise) if dhcp.advertise else None,
        ),
        environment(),
    )


async def keep_hosts(store: Store, site: Site, dhcp: DhcpConfig) -> None:
    """Follow the wishes for ever."""
    subnets, nodes = (
        subnets_of(dhcp),
        {v.key: Desired.decode(v.data) for v in await store.list(f"desired.{site}.*") if v.data is not None},
    )
    await asyncio.to_thread(_write, dhcp, subnets, nodes)
    async for value in store.watch(f"desired.{site}.*"):
        if value.data is None:
            nodes.pop(value.key, None)
        else:
            nodes[value.key] = Desired.decode(value.data)
        await asyncio.to_thread(_write, dhcp, subnets, nodes)


def _write(dhcp: DhcpConfig, subnets: tuple[Subnet, ...], nodes: dict[str, Desired]) -> None:
    if write_atomically(dhcp.hosts_file, render_hosts(nodes.values(), subnets)) and dhcp.pid_file is not None:
        _tell(dhcp.pid_file)


def _tell(pid_file: Path) -> None:
    """SIGHUP makes dnsmasq read ``dhcp-hostsfile`` again (dnsmasq(8), NOTES). No dnsmasq running: it reads at its start."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError):
        return
