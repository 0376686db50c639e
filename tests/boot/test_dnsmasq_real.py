"""dnsmasq itself accepts what we render."""

import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from boot.dnsmasq import DhcpSettings, Subnet, render_config, render_hosts
from boot.templates import environment
from tests.boot.conftest import node

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="Debian package dnsmasq-base is not installed"),
]

NEAR = Subnet(
    IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"), (IPv4Address("10.0.0.100"), IPv4Address("10.0.0.200"))
)
RELAYED = Subnet(IPv4Network("10.8.0.0/22"), gateway=IPv4Address("10.8.0.1"))
PROXY = Subnet(IPv4Network("10.9.0.0/24"), proxy=True)


@pytest.mark.parametrize("subnets", [(NEAR,), (NEAR, RELAYED), (PROXY,)], ids=["pool", "relayed", "proxy"])
@pytest.mark.parametrize("advertise", [None, "fd77:7::"])
def test_the_configuration_is_accepted(tmp_path: Path, subnets: tuple[Subnet, ...], advertise: str | None) -> None:
    settings = DhcpSettings(
        interface="eno1",
        boot_url="http://10.0.0.1:8080",
        subnets=subnets,
        hosts_file=tmp_path / "hosts",
        lease_file=tmp_path / "leases",
        tftp_root=tmp_path,
        nameservers=("10.0.0.2", "10.0.0.3"),
        advertise=advertise,
    )
    settings.hosts_file.write_text(render_hosts([node()], subnets))
    config = tmp_path / "dnsmasq.conf"
    config.write_text(render_config(settings, environment()))
    checked = subprocess.run(["dnsmasq", "--test", f"--conf-file={config}"], capture_output=True, text=True, timeout=10)
    assert checked.returncode == 0, checked.stderr
