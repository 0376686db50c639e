"""Runs the boot service: binds its two listeners, or takes over sockets that somebody bound before us.

A listener is ``address:port``, or ``fd:3`` for a socket that was passed on (systemd's socket activation, and labs whose
network lives in a namespace). With a passed socket a restart of the service loses no connection attempt.
"""

import asyncio
import socket
from datetime import UTC, datetime

from app.config import BootConfig, Config
from app.dhcp import keep_hosts
from boot.certificates import load_authority, make_server_files
from boot.server import serving
from boot.service import BootService
from boot.settings import AGENT_ARGUMENTS, BootSettings
from workflows.engine.ports import Bus, Secrets, Store
from workflows.model.errors import BadInput, Unreachable


def listener(where: str) -> socket.socket:
    """The listening socket that a setting names.

    Raises:
        BadInput: neither ``address:port`` nor ``fd:number``, or the address can't be bound.
    """
    if where.startswith("fd:") and where[3:].isdigit():
        return socket.socket(fileno=int(where[3:]))
    address, colon, port = where.rpartition(":")
    if not colon or not port.isdigit():
        raise BadInput(f"listener {where!r} is neither address:port nor fd:number")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address.strip("[]"), int(port)), family=family, backlog=1024)
    except OSError as error:
        raise BadInput(f"listener {where} can't be bound: {error.strerror}") from None


def boot_settings(config: Config, boot: BootConfig, secrets: Secrets) -> BootSettings:
    """What the boot service needs of the configuration. Our own public key comes first on every installed node."""
    keys = boot.authorized_keys.read_text().splitlines() if boot.authorized_keys else []
    own = secrets.get(config.ansible.key).get("public_key")
    return BootSettings(
        site=config.settings.site,
        http_url=boot.http_url,
        https_url=boot.https_url,
        artifacts=boot.artifacts,
        kernel=boot.kernel,
        initrd=boot.initrd,
        authorized_keys=tuple(k for k in ([own] if own else []) + keys if k.strip()),
        kernel_arguments=boot.kernel_arguments or AGENT_ARGUMENTS,
        nameservers=boot.nameservers,
    )


async def serve_boot(config: Config, store: Store, bus: Bus, secrets: Secrets) -> None:
    """Serve machines until cancelled.

    Raises:
        BadInput: no boot section in the configuration.
        Unreachable: the store stopped answering, so the service would be blind.
    """
    if config.boot is None:
        raise BadInput("the configuration has no section boot: add one, or don't start the boot service here")
    host = config.boot.https_url.partition("://")[2].rpartition(":")[0].strip("[]")
    now = datetime.now(UTC)
    authority = await asyncio.to_thread(load_authority, config.boot.certificates, config.settings.site, now)
    tls = await asyncio.to_thread(make_server_files, authority, (host,), config.boot.certificates, now)
    service = BootService(store, bus, secrets, boot_settings(config, config.boot, secrets), authority.pem)
    http, https = listener(config.boot.http), listener(config.boot.https)
    async with serving(service, http, https, tls) as following:
        watching = [following]
        if config.boot.dhcp is not None:
            watching.append(asyncio.create_task(keep_hosts(store, config.settings.site, config.boot.dhcp)))
        try:
            done, _ = await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in watching:
                task.cancel()
        for task in done:
            task.result()
        raise Unreachable("the boot service can't follow the inventory any more; start it again")
