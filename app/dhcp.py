"""Keeps dnsmasq's host file in step with the inventory, and tells dnsmasq to read it again without a restart."""

import asyncio
import os
import signal
from ipaddress import ip_network
from pathlib import Path

from app.config import DhcpConfig
from boot.dnsmasq import Subnet, render_hosts, write_atomically
from workflows.engine.ports import Store
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.keys import Site


def subnets_of(dhcp: DhcpConfig) -> tuple[Subnet, ...]:
    """The provisioning prefixes of the configuration.

    Raises:
        BadInput: one of them is no IPv4 prefix.
    """
    found = []
    for cidr in dhcp.prefixes:
        try:
            prefix = ip_network(cidr)
        except ValueError as error:
            raise BadInput(f"boot.dhcp.prefixes: {error}") from None
        if prefix.version != 4:
            raise BadInput(f"boot.dhcp.prefixes: {cidr} is not IPv4")
        found.append(Subnet(prefix))
    return tuple(found)


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
