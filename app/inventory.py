"""The site's inventory, as the worker asks it right before a destructive act."""

from app.config import Config
from inventory_sync.api import NetBoxApi
from inventory_sync.netbox import NetBoxInventory
from inventory_sync.profiles import load_profiles
from workflows.engine.ports import Inventory, Secrets, Store
from workflows.model.errors import BadInput


def netbox_api(config: Config, secrets: Secrets) -> NetBoxApi:
    """NetBox with the run-time token.

    Raises:
        BadInput: the configuration names no NetBox.
        Refused: there is no such secret.
    """
    netbox = config.netbox
    if netbox is None:
        raise BadInput("the configuration has no section netbox")
    return NetBoxApi(netbox.url, secrets.get(netbox.token)["token"], ca=str(netbox.ca) if netbox.ca else None)


def make_inventory(config: Config, store: Store, secrets: Secrets) -> Inventory:
    """By the configuration: NetBox, or the directory of YAML files."""
    if config.netbox is not None:
        return NetBoxInventory(
            netbox_api(config, secrets), store, config.netbox.sync, lambda: load_profiles(config.profiles)
        )
    raise BadInput("the configuration names no inventory: add netbox or yaml")
