"""``doctor``: each link of a site tried once, and what to do where one doesn't hold. Changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.config import Config
from app.connect import connected
from app.inventory import netbox_api
from inventory_sync.profiles import load_profiles
from workflows.drivers.secrets import FileSecrets
from workflows.model.errors import BadInput, BringupError


@dataclass(frozen=True, slots=True)
class Link:
    """One link and what was seen of it."""

    name: str
    well: bool
    said: str


async def doctor(config: Config) -> list[Link]:
    """Try each link; one that fails stops no other."""
    checks: list[tuple[str, Callable[[Config], Awaitable[str]]]] = [
        ("secrets", _secrets),
        ("profiles", _profiles),
        ("nats", _nats),
        ("inventory", _inventory),
        ("artifacts", _artifacts),
    ]
    return [await _tried(name, check, config) for name, check in checks]


async def _tried(name: str, check: Callable[[Config], Awaitable[str]], config: Config) -> Link:
    try:
        return Link(name, True, await check(config))
    except BringupError as error:
        return Link(name, False, str(error))


async def _secrets(config: Config) -> str:
    known = FileSecrets(config.secrets)
    references = [config.ansible.key, "boot/token"] if config.boot is not None else [config.ansible.key]
    if config.netbox is not None:
        references += [config.netbox.token, config.netbox.webhook_secret]
    for reference in references:
        known.get(reference)
    return f"{', '.join(references)} are there and private"


async def _profiles(config: Config) -> str:
    found = await asyncio.to_thread(load_profiles, config.profiles)
    return f"skus: {', '.join(found.skus) or 'none'}; releases: {', '.join(found.releases) or 'none'}"


async def _nats(config: Config) -> str:
    async with connected(config, FileSecrets(config.secrets), config.who) as site:
        return f"the store answers; server time {site.clock.now().isoformat(timespec='seconds')}"


async def _inventory(config: Config) -> str:
    if config.netbox is None:
        if config.yaml is None or not await asyncio.to_thread(config.yaml.directory.is_dir):
            raise BadInput("no inventory: add a section netbox, or yaml with a directory that exists")
        return f"files in {config.yaml.directory}"
    rows = await netbox_api(config, FileSecrets(config.secrets)).page("dcim/devices", 1, fields="id")
    return f"NetBox at {config.netbox.url} answers; {'devices are' if rows else 'no device is'} visible to our token"


async def _artifacts(config: Config) -> str:
    if config.boot is None:
        return "no boot service here"
    missing = [n for n in (config.boot.kernel, config.boot.initrd) if not (config.boot.artifacts / n).is_file()]
    if missing:
        raise BadInput(f"{config.boot.artifacts} has no {' and no '.join(missing)}: run bringup image build")
    return f"agent and kernel are in {config.boot.artifacts}"
