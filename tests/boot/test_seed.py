"""The node's identity: strict templates, both forms, and no secret but the phone-home token."""

import json
from pathlib import Path

import pytest
import yaml

from boot.seed import Seed, hostname, render_seed
from boot.templates import DIRECTORY, environment, render
from tests.boot.conftest import CLAIM, MAC, Site, node
from workflows.model.desired import Address, Interface
from workflows.model.errors import Refused

pytestmark = pytest.mark.fast


def seed_of(site: Site, **changes: object) -> Seed:
    return render_seed(node(**changes), CLAIM, "home:token", site.settings, environment())


def texts(seed: Seed) -> dict[str, str]:
    return {file.path: file.text for file in (*seed.always, *seed.nocloud, *seed.plain)}


def test_an_undefined_name_in_a_template_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.j2").write_text("hello {{ nobody }}")
    with pytest.raises(Refused, match="'nobody' is undefined"):
        render("x.j2", {"somebody": 1}, within=environment(tmp_path))


def test_a_template_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no template"):
        render("gone.j2", {}, within=environment(tmp_path))


def test_the_nocloud_seed_is_what_cloud_init_reads(site: Site) -> None:
    files = texts(seed_of(site))
    directory = "/var/lib/cloud/seed/nocloud"
    assert yaml.safe_load(files[f"{directory}/meta-data"]) == {
        "instance-id": "lab.n1-g1-1",
        "local-hostname": "gpu-001.example.com",
    }
    user = files[f"{directory}/user-data"]
    assert user.startswith("#cloud-config\n")
    data = yaml.safe_load(user)
    assert data["ssh_deletekeys"] is False
    assert data["growpart"] == {"mode": "off"}
    assert data["users"][0]["ssh_authorized_keys"] == ["ssh-ed25519 AAAAkey bringup"]
    before_the_seed = yaml.safe_load(files["/etc/cloud/cloud.cfg.d/zz-bringup.cfg"])
    assert before_the_seed == {"datasource_list": ["NoCloud", "None"], "prefer_fqdn_over_hostname": True}
    network = yaml.safe_load(files[f"{directory}/network-config"])
    (port,) = network["ethernets"].values()
    assert port["match"] == {"macaddress": MAC}
    assert (port["addresses"], port["mtu"], port["dhcp4"]) == (["10.0.0.11/24"], 9000, False)


def test_the_gateway_is_the_primary_addresses_one(site: Site) -> None:
    interface = Interface(
        name="eth0",
        mac=MAC,
        addresses=(
            Address(cidr="10.0.0.11/24", gateway="10.0.0.1", primary=True),
            Address(cidr="10.9.0.11/24", gateway="10.9.0.1"),
        ),
    )
    files = texts(seed_of(site, interfaces=(interface,)))
    assert "Gateway=10.0.0.1" in files["/etc/systemd/network/20-00.network"]
    assert "Gateway=10.9.0.1" not in files["/etc/systemd/network/20-00.network"]
    network = yaml.safe_load(files["/var/lib/cloud/seed/nocloud/network-config"])
    assert network["ethernets"]["port0"]["routes"] == [{"to": "default", "via": "10.0.0.1"}]


def test_an_interface_without_an_address_asks_dhcp(site: Site) -> None:
    files = texts(seed_of(site, interfaces=(Interface(name="eth0", mac=MAC),)))
    assert "DHCP=ipv4" in files["/etc/systemd/network/20-00.network"]


BONDED = (
    Interface(name="eth0", mac=MAC, lag="bond0", mtu=9000),
    Interface(name="eth1", mac="52:54:00:00:00:02", lag="bond0", mtu=9000),
    Interface(name="bond0", mtu=9000, addresses=(Address(cidr="10.0.0.11/24", gateway="10.0.0.1", primary=True),)),
)


def test_a_lag_is_made_of_its_members_and_has_the_address(site: Site) -> None:
    files = texts(seed_of(site, interfaces=BONDED))
    network = yaml.safe_load(files["/var/lib/cloud/seed/nocloud/network-config"])
    assert network["bonds"]["bond0"]["interfaces"] == ["port0", "port1"]
    assert network["bonds"]["bond0"]["addresses"] == ["10.0.0.11/24"]
    assert [port["dhcp4"] for port in network["ethernets"].values()] == [False, False]
    directory = "/etc/systemd/network"
    assert "Name=bond0\nKind=bond" in files[f"{directory}/20-bond0.netdev"]
    assert "Bond=bond0" in files[f"{directory}/20-00.network"]
    assert "Name=bond0" in files[f"{directory}/20-02.network"]
    assert "Address=10.0.0.11/24" in files[f"{directory}/20-02.network"]


VLAN = Interface(
    name="eth0.120", parent="eth0", vlan=120, mtu=1400, addresses=(Address(cidr="10.1.0.11/24", gateway="10.1.0.1"),)
)


@pytest.mark.parametrize(("ports", "link"), [((Interface(name="eth0", mac=MAC),), "port0"), (BONDED, "bond0")])
def test_a_vlan_is_made_on_its_port_or_lag_with_its_address_and_mtu(
    site: Site, ports: tuple[Interface, ...], link: str
) -> None:
    parent = "bond0" if len(ports) > 1 else "eth0"
    files = texts(seed_of(site, interfaces=(*ports, VLAN.model_copy(update={"parent": parent}))))
    network = yaml.safe_load(files["/var/lib/cloud/seed/nocloud/network-config"])
    wanted = {"id": 120, "link": link, "mtu": 1400, "dhcp4": False, "addresses": ["10.1.0.11/24"]}
    wanted["nameservers"] = {"addresses": ["10.0.0.2"]}
    assert network["vlans"] == {"eth0.120": wanted}
    directory = "/etc/systemd/network"
    netdev = files[f"{directory}/20-eth0.120.netdev"]
    assert "Kind=vlan" in netdev
    assert "Id=120" in netdev
    index = len(ports) - 1
    assert "VLAN=eth0.120" in files[f"{directory}/20-{index:02}.network"]
    assert "Name=eth0.120" in files[f"{directory}/20-{index + 1:02}.network"]
    assert "Address=10.1.0.11/24" in files[f"{directory}/20-{index + 1:02}.network"]


def test_a_lag_without_an_address_of_its_own_carries_a_vlan(site: Site) -> None:
    lag = Interface(name="bond0")
    files = texts(seed_of(site, interfaces=(*BONDED[:2], lag, VLAN.model_copy(update={"parent": "bond0"}))))
    assert "VLAN=eth0.120" in files["/etc/systemd/network/20-02.network"]
    assert "DHCP=no" in files["/etc/systemd/network/20-02.network"]


def test_a_port_that_only_carries_vlans_asks_no_dhcp(site: Site) -> None:
    files = texts(seed_of(site, interfaces=(Interface(name="eth0", mac=MAC), VLAN)))
    assert "DHCP=no" in files["/etc/systemd/network/20-00.network"]
    network = yaml.safe_load(files["/var/lib/cloud/seed/nocloud/network-config"])
    assert network["ethernets"]["port0"]["dhcp4"] is False


@pytest.mark.parametrize(
    "interfaces",
    [
        (Interface(name="eth0", addresses=(Address(cidr="10.0.0.11/24"),)),),
        (Interface(name="eth0", mac=MAC, lag="bond0"),),
        (Interface(name="eth0", mac=MAC, lag="Bond 0"), Interface(name="Bond 0", addresses=BONDED[2].addresses)),
        (Interface(name="eth0", mac=MAC), VLAN.model_copy(update={"vlan": None})),
        (Interface(name="eth0", mac=MAC), VLAN.model_copy(update={"parent": "eth7"})),
    ],
    ids=[
        "an address without a port",
        "a LAG that isn't there",
        "a name that no interface can have",
        "a VLAN without a number",
        "a VLAN on nothing",
    ],
)
def test_a_network_that_can_not_be_configured_is_refused(site: Site, interfaces: tuple[Interface, ...]) -> None:
    with pytest.raises(Refused, match="GPU 001"):
        seed_of(site, interfaces=interfaces)


def test_the_phone_home_token_is_in_one_file_that_only_root_reads(site: Site) -> None:
    seed = seed_of(site)
    holding = [f for f in (*seed.always, *seed.nocloud, *seed.plain) if "home:token" in f.text]
    assert [(f.path, f.mode) for f in holding] == [("/etc/bringup/phone-home.json", "0600")]
    assert json.loads(holding[0].text)["url"] == "https://10.0.0.1:8443/v1/phone-home"


def test_phone_home_is_valid_python(site: Site) -> None:
    compile(texts(seed_of(site))["/usr/local/lib/bringup/phone-home"], "phone-home", "exec")


@pytest.mark.parametrize(
    ("dns_name", "name", "expected"),
    [
        ("gpu-001.example.com", "GPU 001", "gpu-001.example.com"),
        (None, "GPU-001.rno1", "gpu-001.rno1"),
        (None, "GPU 001.rno1.example.com", "n1"),
        (None, None, "n1"),
        (None, "evil\nname", "n1"),
    ],
)
def test_a_host_has_a_name_that_a_host_can_have(dns_name: str | None, name: str | None, expected: str) -> None:
    assert hostname(node(dns_name=dns_name, name=name)) == expected


def test_every_template_is_strict_and_renders_for_a_node_with_and_without_options(site: Site) -> None:
    seed_of(site, interfaces=())
    seed_of(site)
    assert {path.parent.name for path in DIRECTORY.glob("*/*.j2")} == {
        *("dnsmasq", "home", "ipxe", "nocloud", "plain"),
        "systemd",  # tests/app/test_site_init.py
    }
