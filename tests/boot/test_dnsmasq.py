"""Host files from desired state, and the configuration."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from boot.dnsmasq import DhcpSettings, Subnet, render_config, render_hosts, write_atomically
from boot.templates import environment
from tests.boot.conftest import MAC, node
from workflows.model.desired import Address, Interface
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast

NEAR = Subnet(IPv4Network("10.0.0.0/24"), gateway=IPv4Address("10.0.0.1"))
RELAYED = Subnet(IPv4Network("10.8.0.0/22"), gateway=IPv4Address("10.8.0.1"))


def test_a_node_gets_its_address_from_the_inventory() -> None:
    assert render_hosts([node()], (NEAR,)) == f"{MAC},10.0.0.11,gpu-001\n"


def test_an_address_in_no_prefix_of_ours_and_a_bmc_get_no_line() -> None:
    assert render_hosts([node()], (RELAYED,)) == ""


def test_a_prefix_that_another_server_serves_gets_no_line() -> None:
    assert render_hosts([node()], (Subnet(NEAR.prefix, proxy=True),)) == ""


def test_a_node_behind_a_relay_gets_its_address_there() -> None:
    far = Interface(name="eth0", mac=MAC, addresses=(Address(cidr="10.8.1.5/22"),))
    assert render_hosts([node(interfaces=(far,))], (NEAR, RELAYED)) == f"{MAC},10.8.1.5,gpu-001\n"


def test_an_address_that_is_none_is_refused() -> None:
    wrong = Interface(name="eth0", mac=MAC, addresses=(Address(cidr="10.8.1.500/22"),))
    with pytest.raises(BadInput, match=r"10\.8\.1\.500"):
        render_hosts([node(interfaces=(wrong,))], (NEAR,))


def test_each_prefix_has_its_own_gateway_and_only_known_hosts_get_addresses(tmp_path: Path) -> None:
    settings = DhcpSettings(
        "eno1", "http://10.0.0.1:8080", (NEAR, RELAYED), tmp_path / "hosts", tmp_path / "leases", tmp_path
    )
    config = render_config(settings, environment())
    assert "dhcp-range=set:net0,10.0.0.0,static,255.255.255.0,10m\n" in config
    assert "dhcp-option=tag:net1,option:router,10.8.0.1\n" in config


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "hosts", "a") is True
    assert write_atomically(tmp_path / "hosts", "a") is False
    assert write_atomically(tmp_path / "hosts", "b") is True
    assert (tmp_path / "hosts").read_text() == "b"
