"""Runs the inventory's side: NetBox (webhook endpoint, change log, resync, write-back) or a directory of YAML files."""

import asyncio

from aiohttp import web

from app.boot import listener
from app.config import Config, NetBoxConfig
from app.inventory import netbox_api, yaml_source
from app.metrics import Metrics
from app.profile_files import follow_profiles
from inventory_sync.profiles import load_profiles
from inventory_sync.service import InventorySync
from inventory_sync.sync import Sync
from inventory_sync.webhook import webhook_app
from workflows.engine.ports import Secrets
from workflows.engine.secret_field import secret_field
from workflows.jetstream.site import JetStreamSite


async def serve_sync(config: Config, site: JetStreamSite, secrets: Secrets, metrics: Metrics) -> None:
    """Serve until cancelled.

    Raises:
        BadInput: the configuration names no inventory, or its profiles can't be read.
    """
    if config.netbox is None:
        source = await asyncio.to_thread(yaml_source, config, site)
        async with asyncio.TaskGroup() as group:
            group.create_task(source.run())
            group.create_task(follow_profiles(config.profiles, source.use))
        return
    profiles = await asyncio.to_thread(load_profiles, config.profiles)
    bus = metrics.timed(site.bus, site.clock)
    sync = InventorySync(
        Sync(netbox_api(config, secrets), site.store, bus, config.netbox.sync, profiles, site.evidence), site.clock
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(sync.run())
        group.create_task(follow_profiles(config.profiles, sync.use))
        if config.netbox.webhook_listen is not None:
            group.create_task(_take_webhooks(config.netbox, site, secrets))


async def _take_webhooks(netbox: NetBoxConfig, site: JetStreamSite, secrets: Secrets) -> None:
    assert netbox.webhook_listen is not None
    runner = web.AppRunner(
        webhook_app(site.bus, lambda: secret_field(secrets, netbox.webhook_secret, "key")), access_log=None
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener(netbox.webhook_listen)).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
