"""What a person would have written before the first start of this site: configuration, secrets, profiles."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.infiniband.subnet import Subnet
from lab.qemu.provisioning import PREFIX, Provisioning
from lab.site.machines import BMC_PASSWORD, Machine
from workflows.drivers.secrets import write_secret_file
from workflows.jetstream.wire import Login

SITE = "lab"
RELEASE = "debian-12"
_OWN_ROLES = Path(__file__).parent / "roles"


@dataclass(frozen=True, slots=True)
class NetBoxAccess:
    """How the site reaches NetBox: our own account's token, and where it takes webhooks with which key."""

    url: str
    token: str
    listen: str
    key: str


def write_configuration(
    file: Path, lab: Provisioning, subnet: Subnet, nats: str, netbox: NetBoxAccess, sockets: Sequence[int]
) -> None:
    """The site's configuration. Destructive runs start by themselves; what a person asks for, another approves."""
    http, https = sockets
    site = {
        "settings": {"site": SITE, "mode": "automatic", "four_eyes": True},
        "nats": {"url": nats, "credentials": "nats"},
        "netbox": {
            "url": netbox.url,
            "webhook_listen": netbox.listen,
            "sync": {"sites": [SITE], "changes_every": 5},
        },
        "boot": {
            "http": f"fd:{http}",
            "https": f"fd:{https}",
            "http_url": lab.settings.http_url,
            "https_url": lab.settings.https_url,
            "artifacts": str(lab.settings.artifacts),
            "certificates": "certificates",
            "kernel": lab.settings.kernel,
            "initrd": lab.settings.initrd,
            "dhcp": {"hosts_file": "hosts", "prefixes": [str(PREFIX)], "pid_file": "dnsmasq.pid"},
        },
        "ansible": {"command_prefix": list(lab.network.prefix), "roles": str(_OWN_ROLES)},
        "subnet_manager": {"command_prefix": list(subnet.client_prefix(subnet.manager))},
        "profiles": "profiles",
        "secrets": "secrets",
        "data": "data",
    }
    file.write_text(yaml.safe_dump(site))
    (file.parent / "data").mkdir()
    (file.parent / "dnsmasq.pid").write_text(str(lab.dhcp.process.pid))


def write_site_secrets(
    directory: Path, lab: Provisioning, netbox: NetBoxAccess, bmc_ca: Path, logins: Mapping[str, Login]
) -> None:
    """The secrets that the configuration refers to, and one of each login."""
    private, public = lab.ssh_key.read_text(), lab.ssh_key.with_suffix(".pub").read_text().strip()
    known = {
        "bmc/default": {"username": "bringup", "password": BMC_PASSWORD, "ca": str(bmc_ca)},
        "boot/token": {"key": secrets.token_hex(32)},
        "ssh/bringup": {"key": private, "public_key": public},
        "netbox/token": {"token": netbox.token},
        "netbox/webhook": {"key": netbox.key},
    }
    known |= {f"nats/{who}": {"seed": login.seed or ""} for who, login in logins.items()}
    for reference, fields in known.items():
        write_secret_file(directory / f"{reference}.yaml", fields)


def write_profiles(directory: Path, lab: Provisioning, subnet: Subnet, machines: Sequence[Machine]) -> None:
    """A sku a machine, for its system disk is named by serial, and one release.

    The lab's role makes each node the host of its own name in the simulated subnet.
    """
    tools = {tool: subnet.wrapper("$(hostname -s)", tool, Path("/run")) for tool in ("ibstat", "sminfo")}
    release = {
        "image": lab.published.image.model_dump(mode="json"),
        "roles": ["base", "storage_mounts", "lab_infiniband"],
        "variables": {"lab_infiniband_tools": tools},
    }
    skus = {
        machine.name: {
            "system_disk": {"serial": machine.qemu.disk_serial("system")},
            "infiniband_ports": 1,
        }
        for machine in machines
    }
    for kind, files in (("skus", skus), ("releases", {RELEASE: release})):
        (directory / kind).mkdir(parents=True)
        for name, content in files.items():
            (directory / kind / f"{name}.yaml").write_text(yaml.safe_dump(content))
