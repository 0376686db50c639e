"""Throwaway NATS servers for the lab and the tests: one, or a cluster of three on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.permissions import Role, User, accounts, new_key
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.wire import Login, connect
from workflows.model.record import Json


@dataclass(frozen=True, slots=True)
class Berth:
    """Where a server of a cluster runs: its address, and what goes before its command."""

    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()


ON_LOOPBACK = (Berth(), Berth(), Berth())


class Cluster:
    """Three servers that replicate, ``n0`` to ``n2``, on loopback unless said otherwise."""

    def __init__(self, directory: Path, berths: Sequence[Berth] = ON_LOOPBACK):
        places = [f"{berth.address}:{port}" for berth, port in zip(berths, _free_ports(len(berths)), strict=True)]
        routes: list[Json] = [f"nats://{place}" for place in places]
        self.servers = [
            EmbeddedServer(
                directory / f"n{number}",
                name=f"n{number}",
                address=berth.address,
                prefix=berth.prefix,
                extra={"cluster": {"name": "lab", "listen": place, "routes": routes}},
            )
            for number, (berth, place) in enumerate(zip(berths, places, strict=True))
        ]

    @property
    def urls(self) -> list[str]:
        """Where clients connect."""
        return [server.url for server in self.servers]

    async def start(self) -> None:
        """Start all three; streams can be made once they have elected a leader."""
        await asyncio.gather(*(server.start() for server in self.servers))

    async def stop(self) -> None:
        """Kill all three: a cluster that is thrown away needs no farewell."""
        await asyncio.gather(*(server.kill() for server in self.servers))

    def named(self, name: str) -> EmbeddedServer:
        """The server that the cluster calls so (``STREAM.INFO`` names the leader)."""
        return next(server for server in self.servers if server.name == name)


@asynccontextmanager
async def throwaway_server(directory: Path) -> AsyncIterator[EmbeddedServer]:
    """One server with the streams of a site; anybody may do anything."""
    server = EmbeddedServer(directory)
    await server.start()
    try:
        async with connect([server.url], Login("admin")) as wire:
            await ensure_streams(wire)
        yield server
    finally:
        await server.kill()


@asynccontextmanager
async def guarded_server(
    directory: Path, roles: Mapping[str, Role]
) -> AsyncIterator[tuple[EmbeddedServer, dict[str, Login]]]:
    """One server with the streams of a site, where each login may do what its role may; and those logins by name.

    One of them must be called ``admin`` and be one: it makes the streams.
    """
    keys = {who: new_key() for who in roles}
    users = [User(who, role, keys[who][1]) for who, role in roles.items()]
    logins = {who: Login(who, seed=seed) for who, (seed, _) in keys.items()}
    server = EmbeddedServer(directory, accounts=accounts(users))
    await server.start()
    try:
        async with connect([server.url], logins["admin"]) as wire:
            await ensure_streams(wire)
        yield server, logins
    finally:
        await server.kill()


def forbidden(server: EmbeddedServer) -> list[str]:
    """What a server refused since its first start because a login may not do it: lines of its own log."""
    log = (server.directory / "log").read_text(errors="replace")
    return [line for line in log.splitlines() if "violation" in line.lower()]


@asynccontextmanager
async def throwaway_cluster(directory: Path, berths: Sequence[Berth] = ON_LOOPBACK) -> AsyncIterator[Cluster]:
    """Three servers with replicated streams; anybody may do anything."""
    cluster = Cluster(directory, berths)
    try:
        await cluster.start()
        async with connect(cluster.urls, Login("admin")) as wire:
            await ensure_streams(wire, replicas=3)
        yield cluster
    finally:
        await cluster.stop()


def _free_ports(number: int) -> list[int]:
    """Ports that were free a moment ago: routes must be known before any server of a cluster starts."""
    holders = [socket.socket() for _ in range(number)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()
