"""The node's identity, rendered from its desired state: what the agent writes on the disk after the image.

Two forms, and the agent takes the one that the image can read: a NoCloud seed where cloud-init is installed (source:
cloud-init's documentation, *NoCloud*, files ``meta-data user-data network-config``, network-config version 2), plain
files where it isn't. Files that both need (phone-home, the grant's name) come once. No secret stands in any of them but
the phone-home token, in a file that only root reads; the SSH host key is made on the machine and never travels.
"""

from jinja2 import Environment

from boot.settings import BootSettings
from boot.templates import render
from boot.token import Claim
from workflows.model.desired import Desired
from workflows.model.record import Record


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
        Refused: a template uses a name that it wasn't given.
    """
    names: dict[str, object] = {
        "claim": claim,
        "desired": desired,
        "hostname": hostname(desired),
        "interfaces": [i for i in desired.interfaces if i.mac and not i.mgmt_only],
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
        ),
        plain=(
            file("plain/hostname.j2", "/etc/hostname"),
            file("plain/hosts.j2", "/etc/hosts"),
            file("plain/resolv.conf.j2", "/etc/resolv.conf"),
            file("plain/authorized_keys.j2", "/root/.ssh/authorized_keys", "0600"),
            *(
                file("plain/interface.network.j2", f"/etc/systemd/network/20-{index:02}.network", interface=interface)
                for index, interface in enumerate(i for i in desired.interfaces if i.mac and not i.mgmt_only)
            ),
        ),
    )
