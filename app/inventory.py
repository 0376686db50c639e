"""The site's inventory by its configuration: NetBox, or a directory of YAML files."""

from app.config import Config
from inventory_sync.api import NetBoxApi
from inventory_sync.netbox import NetBoxInventory
from inventory_sync.profiles import load_profiles
from inventory_sync.settings import SyncSettings
from inventory_sync.yaml_source import YamlSource
from workflows.engine.ports import Inventory, Secrets
from workflows.engine.secret_field import secret_field
from workflows.jetstream.site import JetStreamSite
from workflows.model.errors import BadInput

NO_INVENTORY = "the configuration names no inventory: add a section netbox or yaml"


def netbox_api(config: Config, secrets: Secrets) -> NetBoxApi:
    """NetBox with the run-time token.

    Raises:
        BadInput: the configuration names no NetBox.
        Refused: there is no such secret.
    """
    netbox = config.netbox
    if netbox is None:
        raise BadInput("the configuration has no section netbox")
    token = secret_field(secrets, netbox.token, "token")
    return NetBoxApi(netbox.url, token, ca=str(netbox.ca) if netbox.ca else None)


def yaml_source(config: Config, site: JetStreamSite) -> YamlSource:
    """The directory of YAML files. Blocks while it reads the profiles.

    Raises:
        BadInput: the configuration names none, or a profile can't be read.
    """
    if config.yaml is None:
        raise BadInput(NO_INVENTORY)
    name = config.settings.site
    return YamlSource(
        config.yaml.directory,
        name,
        site.store,
        site.bus,
        site.clock,
        SyncSettings(sites=(name,), start_status=config.settings.start_status),
        load_profiles(config.profiles),
    )


def make_inventory(config: Config, site: JetStreamSite, secrets: Secrets) -> Inventory:
    """The inventory as a worker asks it right before a destructive act. Blocks while it reads the profiles."""
    if config.netbox is None:
        return yaml_source(config, site)
    return NetBoxInventory(
        netbox_api(config, secrets), site.store, config.netbox.sync, lambda: load_profiles(config.profiles)
    )
