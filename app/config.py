"""The site's configuration file, and the only place that reads the environment.

``bringup`` reads the YAML file that ``--config`` or ``BRINGUP_CONFIG`` names (``/etc/bringup/site.yaml`` by default). All
relative paths in it are relative to the file. It holds no secret: only references that the secrets directory resolves.
"""

import os
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from itertools import combinations
from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from inventory_sync.settings import SyncSettings
from workflows.drivers.scheduler.names import NodeNames
from workflows.model.errors import BadInput
from workflows.model.record import Record
from workflows.model.settings import SchedulerKind, SiteSettings

DEFAULT_CONFIG = Path("/etc/bringup/site.yaml")
CONFIG_VARIABLE = "BRINGUP_CONFIG"
WHO_VARIABLE = "BRINGUP_USER"
BMC_USERNAME, BMC_PASSWORD = "BRINGUP_BMC_USERNAME", "BRINGUP_BMC_PASSWORD"
#: Where ``bringup up`` leaves url and login for the commands beside it, below ``data``.
LOGIN_FILE = "operator-login.yaml"


class NatsConfig(Record):
    """Where JetStream is. Without a ``url``, ``up`` starts a server of its own under ``data``.

    ``credentials`` is the secret reference below which each login has one of its own (``<credentials>/worker`` …) with
    the field ``seed`` (an nkey) or ``password``. ``login`` is a file with ``who`` and ``seed``, for one login alone.
    """

    url: str | None = None
    credentials: str | None = None
    login: Path | None = None
    ca: Path | None = None


class NetBoxConfig(Record):
    """A NetBox as the inventory. ``token`` and ``webhook_secret`` are secret references (fields ``token``, ``key``).

    ``webhook_listen`` is where we take its webhooks; without one, the change log alone brings the changes.
    """

    url: str
    sync: SyncSettings
    token: str = "netbox/token"  # noqa: S105
    webhook_secret: str = "netbox/webhook"  # noqa: S105
    webhook_listen: str | None = "127.0.0.1:8010"
    ca: Path | None = None


class YamlConfig(Record):
    """A directory of YAML files as the inventory."""

    directory: Path


class PrefixConfig(Record):
    """A provisioning prefix, relayed ones included; the prefix alone may be written as text.

    ``pool`` (first and last address) serves machines that nobody knows yet; without one only known machines get an
    address. ``proxy``: the site's own DHCP server gives the addresses here, dnsmasq adds where to boot from.
    """

    prefix: IPv4Network
    gateway: IPv4Address | None = None
    pool: tuple[IPv4Address, IPv4Address] | None = None
    proxy: bool = False

    @model_validator(mode="before")
    @classmethod
    def _text(cls, raw: object) -> object:
        return {"prefix": raw} if isinstance(raw, str) else raw

    @field_validator("prefix", mode="before")
    @classmethod
    def _network(cls, raw: object) -> IPv4Network:
        return IPv4Network(str(raw))  # its errors say what is wrong; pydantic's own don't

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.proxy and (self.pool or self.gateway):
            raise ValueError(
                f"{self.prefix} is proxy: its gateway and pool are the other DHCP server's, leave them out"
            )
        if outside := [str(a) for a in (self.gateway, *(self.pool or ())) if a is not None and a not in self.prefix]:
            raise ValueError(f"{', '.join(outside)} is not in {self.prefix}")
        if self.pool is not None and self.pool[1] < self.pool[0]:
            raise ValueError(f"the pool of {self.prefix} ends before it begins")
        return self


class DhcpConfig(Record):
    """dnsmasq's host file, kept by the boot service, and what ``bringup boot dnsmasq`` renders its configuration from.

    ``pid_file`` is dnsmasq's: it is told when the host file changed. ``interface`` is where it listens. ``advertise`` is an
    IPv6 prefix for router advertisements, for networks where no router sends any: Debian's iPXE waits 13 s for one.
    """

    hosts_file: Path
    prefixes: tuple[PrefixConfig, ...] = Field(min_length=1)
    pid_file: Path | None = None
    interface: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,15}$")
    lease_file: Path = Path("/var/lib/misc/dnsmasq.leases")
    tftp_root: Path = Path("/usr/lib/ipxe")
    advertise: IPv6Address | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for one, other in combinations((p.prefix for p in self.prefixes), 2):
            if one.overlaps(other):
                raise ValueError(f"{one} and {other} overlap")
        return self


class BootConfig(Record):
    """Where machines reach the boot service, and what it serves. Listeners are ``address:port``.

    ``kernel_arguments`` are the agent's: its consoles, and whatever a site's hardware needs.
    """

    http: str = "0.0.0.0:8080"
    https: str = "0.0.0.0:8443"
    http_url: str
    https_url: str
    artifacts: Path
    certificates: Path
    kernel: str = "vmlinuz"
    initrd: str = "agent.gz"
    kernel_arguments: str | None = None
    authorized_keys: Path | None = None
    nameservers: tuple[str, ...] = ()
    dhcp: DhcpConfig | None = None


class AnsibleConfig(Record):
    """How Ansible reaches nodes. ``command_prefix`` goes before ssh and ansible (a network namespace, for labs).

    ``roles`` is a directory of the site's own roles, which releases name like ours; where both have a name, ours counts.
    """

    command_prefix: tuple[str, ...] = ()
    key: str = "ssh/bringup"
    connection: str = "ssh"
    roles: Path | None = None


class SubnetManagerConfig(Record):
    """How the InfiniBand subnet manager's side is asked: a prefix and environment for the infiniband-diags."""

    command_prefix: tuple[str, ...] = ()
    environment: dict[str, str] = {}


class SlurmConfig(Record):
    """How Slurm is asked: a prefix and environment for ``scontrol`` and ``squeue``, and which name its nodes have."""

    command_prefix: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    names: NodeNames = NodeNames.SHORT


class KubernetesConfig(Record):
    """Where the API server is. ``token`` is a secret reference (field ``token``)."""

    url: str
    token: str = "kubernetes/token"  # noqa: S105
    ca: Path | None = None
    names: NodeNames = NodeNames.SHORT


class MetricsConfig(Record):
    """Where each service answers Prometheus, as ``address:port``; one without a listener isn't asked.

    The site's gauges (nodes by state, waits, overdue) are answered by ``sync`` and ``up``.
    """

    worker: str | None = None
    sync: str | None = None
    up: str | None = None


class VaultConfig(Record):
    """A HashiCorp Vault with the secrets that have no file. ``token_file``, mode 0600, is kept fresh by Vault's agent."""

    url: str = Field(pattern=r"^https://\S+$|^http://127\.0\.0\.1(:\d+)?/?$")
    token_file: Path
    mount: str = "secret"
    prefix: str = "bringup/"
    ca: Path | None = None


class WebConfig(Record):
    """The web page. ``people`` is the file that says who may use it, and for what.

    ``certificate`` and ``key`` are PEM files; without them it listens on loopback only, or behind a proxy that people reach
    by the https ``url``.
    """

    listen: str = "127.0.0.1:8020"
    people: Path
    url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+$")
    certificate: Path | None = None
    key: Path | None = None


class Config(Record):
    """One site's whole configuration. ``settings.scheduler`` says which of ``slurm`` and ``kubernetes`` is asked."""

    settings: SiteSettings
    nats: NatsConfig = NatsConfig()
    netbox: NetBoxConfig | None = None
    yaml: YamlConfig | None = None
    boot: BootConfig | None = None
    ansible: AnsibleConfig = AnsibleConfig()
    subnet_manager: SubnetManagerConfig | None = None
    slurm: SlurmConfig = SlurmConfig()
    kubernetes: KubernetesConfig | None = None
    metrics: MetricsConfig = MetricsConfig()
    thresholds: Path | None = None
    web: WebConfig | None = None
    profiles: Path
    secrets: Path
    vault: VaultConfig | None = None
    bmc_pins: Path = Path("bmc-pins")
    data: Path
    who: str = "operator"

    @model_validator(mode="after")
    def _one_inventory(self) -> Self:
        if self.netbox is not None and self.yaml is not None:
            raise ValueError("name one inventory: netbox or yaml, not both")
        return self

    @model_validator(mode="after")
    def _one_scheduler(self) -> Self:
        if self.settings.scheduler is SchedulerKind.KUBERNETES and self.kubernetes is None:
            raise ValueError("settings.scheduler is kubernetes: add a section kubernetes with its url")
        return self


def bmc_login() -> dict[str, str]:
    """The credential of a BMC that the environment holds, for ``bringup bmc``; without the fields that it doesn't hold."""
    found = {"username": os.environ.get(BMC_USERNAME, ""), "password": os.environ.get(BMC_PASSWORD, "")}
    return {name: value for name, value in found.items() if value}


def load_config(path: Path | None) -> Config:
    """Read the configuration.

    Raises:
        BadInput: the file is missing, isn't YAML, or a setting is wrong; the message names it.
    """
    path = path or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as error:
        raise BadInput(
            f"no configuration at {path} ({error.strerror}); name it with --config or {CONFIG_VARIABLE}"
        ) from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict):
        raise BadInput(f"{path} is not a mapping of settings")
    if who := os.environ.get(WHO_VARIABLE):
        raw["who"] = who
    try:
        config = _absolute(Config.model_validate(raw), path.resolve().parent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInput(f"{path}: {where}: {first['msg']}") from None
    return _beside_up(config)


def _beside_up(config: Config) -> Config:
    """The configuration of a command that runs beside ``bringup up``: its url, and the operator's login as a secret."""
    login = config.data / LOGIN_FILE
    if config.nats.url is not None or not login.is_file():
        return config
    url = str(yaml.safe_load(login.read_text())["url"])
    return config.model_copy(update={"nats": config.nats.model_copy(update={"url": url, "login": login})})


def _absolute[R: Record](record: R, base: Path) -> R:
    """The record with every relative path made absolute, below ``base``."""
    changes: dict[str, object] = {}
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Path):
            changes[name] = base / value
        elif isinstance(value, Record):
            changes[name] = _absolute(value, base)
    return record.model_copy(update=changes)
