"""A node as a YAML file says it, for sites and labs without NetBox. Pure: content in, desired state out."""

from typing import Any

from pydantic import Field

from inventory_sync.profiles import Profiles, parse
from inventory_sync.project import unidentified
from inventory_sync.settings import ProfileRef, SyncSettings
from workflows.model.desired import BmcTarget, Desired, Intent, Interface, Mount
from workflows.model.keys import NodeKey, Site, slug
from workflows.model.record import Record


class YamlNode(Record):
    """The file. Names are those of ``Desired``; ``sku`` and ``release`` name profiles."""

    name: str | None = Field(default=None, max_length=200)
    dns_name: str | None = None
    status: str = "planned"
    serial: str | None = None
    uuid: str | None = None
    rack: str | None = None
    position: float | None = None
    tags: tuple[str, ...] = ()
    bmc: BmcTarget | None = None
    interfaces: tuple[Interface, ...] = ()
    mounts: tuple[Mount, ...] = ()
    sku: str | None = None
    release: str | None = None


def key_of(site: Site, stem: str) -> NodeKey:
    """The node key of a file: its site and the slug of its name."""
    return f"{site}.{slug(stem)}"


def project_yaml(site: Site, stem: str, content: dict[str, Any], settings: SyncSettings, profiles: Profiles) -> Desired:
    """The wish of one file, with generation 0 and without what twins would add to its problems.

    Raises:
        BadInput: a field that is wrong or unknown; the message names the file and the field.
    """
    file = f"{stem}.yaml"
    given = parse(YamlNode, content, file)
    rules = [(file, ProfileRef(sku=given.sku, release=given.release))]
    profile, unresolved = profiles.resolve(rules)
    problems = unidentified(given.serial, given.interfaces)
    problems += [] if given.bmc else ["it has no BMC address"]
    problems += unresolved
    intent = settings.statuses.get(given.status, Intent.NOT_OURS)
    return Desired(
        node=key_of(site, stem),
        name=given.name or stem,
        dns_name=given.dns_name,
        status=given.status,
        intent=intent,
        serial=given.serial,
        uuid=given.uuid.lower() if given.uuid else None,
        rack=given.rack,
        position=given.position,
        tags=tuple(sorted(given.tags)),
        protected=settings.protected_tag in given.tags,
        bmc=given.bmc,
        interfaces=given.interfaces,
        mounts=given.mounts,
        profile=profile,
        problems=tuple(problems) if intent is Intent.SERVE else (),
    )
