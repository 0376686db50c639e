"""``doctor``: each link of a site tried once, and what to do where one doesn't hold. Changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.config import Config
from app.connect import connected
from app.forbidden import refusals
from app.inventory import NO_INVENTORY, netbox_api
from app.thresholds import site_thresholds
from burn_in.foresight import unjudgeable
from frontends.read_model import wishes
from inventory_sync.profiles import load_profiles
from workflows.drivers.credential import parse_credential
from workflows.drivers.secrets import FileSecrets
from workflows.engine.secret_field import secret_field
from workflows.jetstream.site import JetStreamSite
from workflows.model.desired import Intent
from workflows.model.errors import BadInput, BringupError, Unreachable


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
        ("nats permissions", refusals),
        ("inventory", _inventory),
        ("bmc credentials", _credentials),
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
    wanted = [(config.ansible.key, "key")]
    wanted += [("boot/token", "key"), (config.ansible.key, "public_key")] if config.boot is not None else []
    if config.netbox is not None:
        wanted += [(config.netbox.token, "token"), (config.netbox.webhook_secret, "key")]
    _all(lambda one: secret_field(known, *one), wanted)
    return f"{', '.join(dict.fromkeys(reference for reference, _ in wanted))} are there and private"


async def _profiles(config: Config) -> str:
    found = await asyncio.to_thread(load_profiles, config.profiles)
    if missing := [what for what, known in (("skus", found.skus), ("releases", found.releases)) if not known]:
        raise BadInput(f"{config.profiles} has no {' and no '.join(missing)}: write one file each below it")
    thresholds = await asyncio.to_thread(site_thresholds, config.thresholds)
    if problems := [p for sku in found.skus.values() for p in unjudgeable(sku, thresholds)]:
        raise BadInput("; ".join(problems))
    return f"skus: {', '.join(found.skus)}; releases: {', '.join(found.releases)}"


@asynccontextmanager
async def _site(config: Config) -> AsyncIterator[JetStreamSite]:
    try:
        async with connected(config, FileSecrets(config.secrets), config.who) as site:
            yield site
    except Unreachable as error:
        raise Unreachable(f"{error}: start the server, or correct nats.url in the configuration") from None


async def _nats(config: Config) -> str:
    async with _site(config) as site:
        return f"the store answers; server time {site.clock.now().isoformat(timespec='seconds')}"


async def _inventory(config: Config) -> str:
    if config.netbox is None:
        if config.yaml is None:
            raise BadInput(NO_INVENTORY)
        if not await asyncio.to_thread(config.yaml.directory.is_dir):
            raise BadInput(f"there is no directory {config.yaml.directory}: make it, or correct yaml.directory")
        return f"files in {config.yaml.directory}"
    try:
        rows = await netbox_api(config, FileSecrets(config.secrets)).page("dcim/devices", 1, fields="id")
    except Unreachable as error:
        raise Unreachable(f"{error}: is it up, and is netbox.url right?") from None
    return f"NetBox at {config.netbox.url} answers; {'devices are' if rows else 'no device is'} visible to our token"


async def _credentials(config: Config) -> str:
    """Of the nodes that are to be served: whether the secret of each one's BMC is there and can be read as one."""
    known = FileSecrets(config.secrets)
    async with _site(config) as site:
        nodes = [d for d in await wishes(site.store, config.settings.site) if d.bmc and d.intent is Intent.SERVE]
    references = sorted({d.bmc.credential for d in nodes if d.bmc})
    _all(lambda reference: parse_credential(reference, known.get(reference)), references)
    return f"{', '.join(references) or 'none'} for {len(nodes)} nodes"


async def _artifacts(config: Config) -> str:
    if config.boot is None:
        return "no boot service here"
    missing = [n for n in (config.boot.kernel, config.boot.initrd) if not (config.boot.artifacts / n).is_file()]
    if missing:
        raise BadInput(f"{config.boot.artifacts} has no {' and no '.join(missing)}: run bringup image build")
    return f"agent and kernel are in {config.boot.artifacts}"


def _all[T](check: Callable[[T], object], each: Iterable[T]) -> None:
    """Check all of them, so that whoever mends one thing knows of the others. Raises BadInput with every sentence."""
    said = []
    for one in each:
        try:
            check(one)
        except BringupError as error:
            said.append(str(error))
    if said:
        raise BadInput("; ".join(dict.fromkeys(said)))
