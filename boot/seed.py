"""The node's identity, rendered from its desired state: what the agent writes on the disk after the image.

Two forms, and the agent takes the one that the image can read: a NoCloud seed where cloud-init is installed (source:
cloud-init's documentation, *NoCloud*, files ``meta-data user-data network-config``, network-config version 2), plain
files where it isn't. Files that both need (phone-home, the grant's name) come once. No secret stands in any of them but
the phone-home token, in a file that only root reads; the SSH host key is made on the machine and never travels.
"""

import re

from jinja2 import Environment

from boot.settings import BootSettings
from boot.templates import render
from boot.token import Claim
from workflows.model.desired import Desired, Interface
from workflows.model.errors import Refused
from workflows.model.record import Record

_LINUX_NAME = re.compile(r"[a-z][a-z0-9._-]{0,14}")


class SeedFile(Record):
    """One file: an absolute path in the installed system, octal mode, text."""

    path: str
    mode: str = "0644"
    text: str


class Seed(Record):
    """All files. ``nocloud`` or ``plain`` is written, ``always`` in any case."""

    always: tuple[SeedFile, ...]
    nocloud: tuple[SeedFile, ...]
    plain: tuple[SeedFile, ...]


def hostname(desired: Desired) -> str:
    """The name that the node calls itself: ``dns_name``, else the name if it is one, else the key's last part."""
    for name in (desired.dns_name, desired.name):
        if name and all(part.replace("-", "").isalnum() and part.isascii() for part in name.split(".")):
            return name.lower()
    return desired.node.partition(".")[2]


def render_seed(desired: Desired, claim: Claim, home_token: str, settings: BootSettings, within: Environment) -> Seed:
    """Render all of it.

    Raises:
        Refused: a template uses a name that it wasn't given, or the inventory's network can't be configured.
    """
    needed = {name for i in desired.interfaces for name in (i.lag, i.parent)}
    interfaces = [
        i
        for i in desired.interfaces
        if not i.mgmt_only and i.guid is None and (i.mac or i.addresses or i.name in needed)
    ]
    bonds, vlans = _bonds(desired, interfaces), _vlans(desired, interfaces)
    names: dict[str, object] = {
        "claim": claim,
        "desired": desired,
        "hostname": hostname(desired),
        "ports": [i for i in interfaces if i not in bonds and i not in vlans],
        "bonds": bonds,
        "vlans": vlans,
        "authorized_keys": settings.authorized_keys,
        "nameservers": settings.nameservers,
        "home_url": f"{settings.https_url}/v1/phone-home",
        "home_token": home_token,
    }

    def file(template: str, path: str, mode: str = "0644", **more: object) -> SeedFile:
        return SeedFile(path=path, mode=mode, text=render(template, names | more, within=within))

    seed = "/var/lib/cloud/seed/nocloud"
    return Seed(
        always=(
            file("home/phone-home.py.j2", "/usr/local/lib/bringup/phone-home", "0755"),
            file("home/phone-home.json.j2", "/etc/bringup/phone-home.json", "0600"),
            file("home/phone-home.service.j2", "/etc/systemd/system/bringup-phone-home.service"),
        ),
        nocloud=(
            file("nocloud/meta-data.j2", f"{seed}/meta-data"),
            file("nocloud/user-data.j2", f"{seed}/user-data", "0600"),
            file("nocloud/network-config.j2", f"{seed}/network-config"),
            # Read after whatever the image brings along, before the seed: cloud-init waits for no cloud's service.
            file("nocloud/cloud.cfg.j2", "/etc/cloud/cloud.cfg.d/zz-bringup.cfg"),
        ),
        plain=(
            file("plain/hostname.j2", "/etc/hostname"),
            file("plain/hosts.j2", "/etc/hosts"),
            file("plain/resolv.conf.j2", "/etc/resolv.conf"),
            file("plain/authorized_keys.j2", "/root/.ssh/authorized_keys", "0600"),
            *(file("plain/bond.netdev.j2", f"/etc/systemd/network/20-{b.name}.netdev", bond=b) for b in bonds),
            *(file("plain/vlan.netdev.j2", f"/etc/systemd/network/20-{v.name}.netdev", vlan=v) for v in vlans),
            *(
                file(
                    "plain/interface.network.j2",
                    f"/etc/systemd/network/20-{n:02}.network",
                    interface=i,
                    made=i in bonds or i in vlans,
                )
                for n, i in enumerate(interfaces)
            ),
        ),
    )


def _bonds(desired: Desired, interfaces: list[Interface]) -> list[Interface]:
    """The interfaces that others name as their LAG.

    Raises:
        Refused: an address stands on an interface that the machine can't find or make, or a LAG has no usable name.
    """
    named = {i.lag for i in interfaces if i.lag}
    for interface in interfaces:
        if interface.mac is None and interface.parent is None and interface.name not in named:
            raise Refused(
                f"{desired.label}: interface {interface.name} has an address or VLANs, but neither a MAC nor members nor "
                "a parent: give it one in the inventory, else the node could not be reached"
            )
    unknown = named - {i.name for i in interfaces}
    if unknown or any(_LINUX_NAME.fullmatch(name) is None for name in named):
        wrong = ", ".join(sorted(unknown or named))
        raise Refused(
            f"{desired.label}: LAG {wrong} is no interface of its own or has a name that no Linux interface can have"
        )
    return [i for i in interfaces if i.name in named]


def _vlans(desired: Desired, interfaces: list[Interface]) -> list[Interface]:
    """The interfaces that are a VLAN of another one.

    Raises:
        Refused: a VLAN without a number, without its parent among the interfaces, or with a name that Linux refuses.
    """
    names = {i.name for i in interfaces}
    vlans = [i for i in interfaces if i.parent is not None]
    for vlan in vlans:
        if vlan.vlan is None or vlan.parent not in names or _LINUX_NAME.fullmatch(vlan.name) is None:
            raise Refused(
                f"{desired.label}: interface {vlan.name} on {vlan.parent} can't be made: it needs a VLAN, a parent that has "
                "a MAC or members, and a name that a Linux interface can have"
            )
    return vlans
