"""The projection, case by case: what each part of NetBox's record becomes, and each way in which it can be wrong."""

from typing import Any

import pytest

from inventory_sync.profiles import Profiles
from inventory_sync.project import gone, node_key, pk_of, project
from inventory_sync.reader import DeviceRecord
from inventory_sync.settings import ProfileRef
from tests.inventory_sync.rows import PROFILES, SETTINGS, address, device, interface, prefix, record
from workflows.model.desired import Desired, Intent, PeerPort

pytestmark = pytest.mark.fast


def wish(given: DeviceRecord, **settings: Any) -> Desired:
    return project(given, SETTINGS.model_copy(update=settings), PROFILES)


def test_a_complete_record_has_no_problem() -> None:
    desired = wish(record())
    assert desired.problems == ()
    assert desired.node == "lab.nb-17"
    assert (desired.name, desired.serial, desired.rack, desired.position) == ("gpu-001", "SN-17", "R01", 12.0)
    assert desired.dns_name == "gpu-001.lab.example.com"
    assert desired.bmc is not None
    assert desired.bmc.address == "10.9.0.17"
    assert desired.bmc.credential == "bmc/default"
    [eth0] = desired.interfaces
    assert eth0.mac == "02:00:00:00:00:17"
    [only] = eth0.addresses
    assert (only.cidr, only.gateway, only.primary) == ("10.0.0.17/24", "10.0.0.1", True)


@pytest.mark.parametrize(
    ("status", "intent"),
    [
        ("planned", Intent.NOT_OURS),
        ("inventory", Intent.NOT_OURS),
        ("offline", Intent.NOT_OURS),
        ("staged", Intent.SERVE),
        ("active", Intent.SERVE),
        ("failed", Intent.SERVE),
        ("decommissioning", Intent.RETIRED),
        ("a-status-of-their-own", Intent.NOT_OURS),
    ],
)
def test_status_becomes_a_class(status: str, intent: Intent) -> None:
    assert wish(record(device(status={"value": status}))).intent is intent


def test_statuses_are_a_setting() -> None:
    ready = device(status={"value": "ready-to-install"})
    assert wish(record(ready), statuses={"ready-to-install": Intent.SERVE}).intent is Intent.SERVE


@pytest.mark.parametrize("name", ["GPU 001.rno1.example.com", "a/b", None, "*.>", "ü" * 64])
def test_no_name_reaches_the_key(name: str | None) -> None:
    desired = wish(record(device(name=name)))
    assert desired.node == "lab.nb-17"
    assert desired.name == name
    assert desired.label == (name or "lab.nb-17")


def test_one_name_in_two_sites_is_two_nodes() -> None:
    other = wish(record(device(id=18, site={"id": 2, "slug": "dc2"})))
    assert {wish(record()).node, other.node} == {"lab.nb-17", "dc2.nb-18"}


@pytest.mark.parametrize(("node", "pk"), [("lab.nb-17", 17), ("lab.gpu-001", None), ("lab.nb-x", None)])
def test_primary_key_of_a_node_key(node: str, pk: int | None) -> None:
    assert pk_of(node) == pk
    assert node_key("Lab_One", 17) == "lab-one.nb-17"


# --- addresses ------------------------------------------------------------------------------------------------------


def gateway_of(given: DeviceRecord) -> str | None:
    return wish(given).interfaces[0].addresses[0].gateway


def test_gateway_is_the_prefixes_custom_field() -> None:
    assert gateway_of(record(prefixes=[prefix(custom_fields={"gateway": "10.0.0.254"})])) == "10.0.0.254"


def test_gateway_outside_its_prefix_is_a_problem_and_no_gateway() -> None:
    desired = wish(record(prefixes=[prefix(custom_fields={"gateway": "192.0.2.1"})]))
    assert desired.interfaces[0].addresses[0].gateway is None
    assert desired.problems == ("the gateway '192.0.2.1' of prefix 10.0.0.0/24 is no address in it",)


def test_no_prefix_no_gateway() -> None:
    assert gateway_of(record(prefixes=[])) is None


def test_a_prefix_of_another_vrf_is_another_network() -> None:
    assert gateway_of(record(prefixes=[prefix(vrf={"id": 4})])) is None


def test_the_first_address_itself_has_no_gateway() -> None:
    assert gateway_of(record(addresses=[address(address="10.0.0.1/24")])) is None


def test_point_to_point_links_have_no_default_gateway() -> None:
    link = record(addresses=[address(address="10.0.0.0/31")], prefixes=[prefix(prefix="10.0.0.0/31")])
    assert gateway_of(link) is None


def test_ipv6() -> None:
    six = record(addresses=[address(address="2001:db8::17/64")], prefixes=[prefix(prefix="2001:db8::/64")])
    assert gateway_of(six) == "2001:db8::1"


# --- interfaces -----------------------------------------------------------------------------------------------------


def test_vlan_mtu_lag_guid_and_peer() -> None:
    far = {"name": "swp7", "device": {"name": "leaf1", "display": "leaf1"}}
    rows = [
        interface(mtu=9000, untagged_vlan={"vid": 120}, lag={"name": "bond0"}, connected_endpoints=[far]),
        interface(id=32, name="ib0", mac_address=None, wwn="0C:42:A1:03:00:11:22:33"),
    ]
    eth0, ib0 = wish(record(interfaces=rows)).interfaces
    assert (eth0.mtu, eth0.vlan, eth0.lag) == (9000, 120, "bond0")
    assert eth0.peer == PeerPort(device="leaf1", port="swp7")
    assert ib0.guid == "0x0c42a10300112233"
    assert ib0.mac is None


def test_vlan_of_the_prefix_where_the_port_names_none() -> None:
    assert wish(record(prefixes=[prefix(vlan={"vid": 55})])).interfaces[0].vlan == 55


@pytest.mark.parametrize(
    "vlan", [{"untagged_vlan": {"vid": 120}}, {"tagged_vlans": [{"vid": 120}]}], ids=["untagged", "tagged"]
)
def test_a_subinterface_is_a_vlan_of_its_parent(vlan: dict[str, object]) -> None:
    rows = [interface(tagged_vlans=[{"vid": 7}]), interface(id=32, name="eth0.120", parent={"name": "eth0"}, **vlan)]
    eth0, sub = wish(record(interfaces=rows)).interfaces
    assert (sub.parent, sub.vlan) == ("eth0", 120)
    assert (eth0.parent, eth0.vlan) == (None, None)


def test_a_breakout_cable_names_no_single_peer() -> None:
    ends = [{"name": n, "device": {"name": "leaf1", "display": "leaf1"}} for n in ("swp1", "swp2")]
    assert wish(record(interfaces=[interface(connected_endpoints=ends)])).interfaces[0].peer is None


def test_a_cable_to_something_that_is_no_device_names_no_peer() -> None:
    circuit = interface(connected_endpoints=[{"display": "circuit 7"}])
    assert wish(record(interfaces=[circuit])).interfaces[0].peer is None


def test_a_disabled_interface_is_none() -> None:
    desired = wish(record(interfaces=[interface(enabled=False)]))
    assert desired.interfaces == ()
    assert desired.boot_macs() == ()


# --- BMC ------------------------------------------------------------------------------------------------------------


def management(*addresses: str) -> DeviceRecord:
    rows = [interface(), interface(id=32, name="bmc", mgmt_only=True, mac_address="02:00:00:00:00:99")]
    own = [address(id=60 + n, address=a, assigned_object_id=32) for n, a in enumerate(addresses)]
    return record(device(oob_ip=None), rows, [address(), *own])


def test_bmc_is_the_one_management_only_interface() -> None:
    desired = wish(management("10.9.0.3/24"))
    assert desired.bmc is not None
    assert desired.bmc.address == "10.9.0.3"
    assert desired.boot_macs() == ("02:00:00:00:00:17",)


@pytest.mark.parametrize("addresses", [(), ("10.9.0.3/24", "10.9.0.4/24")])
def test_no_bmc_is_guessed(addresses: tuple[str, ...]) -> None:
    desired = wish(management(*addresses))
    assert desired.bmc is None
    assert desired.problems == (
        f"it has no out-of-band address and {len(addresses)} addresses on management-only interfaces: set its OOB IP",
    )


def test_port_and_credential_of_the_bmc() -> None:
    context = {"bringup": {"sku": "lab-node", "release": "2026.11", "bmc": {"port": 8443, "credential": "bmc/rack1"}}}
    desired = wish(record(device(config_context=context)))
    assert desired.bmc is not None
    assert (desired.bmc.address, desired.bmc.credential) == ("10.9.0.17:8443", "bmc/rack1")
    own = device(config_context=context, custom_fields={"bringup_bmc_credential": "bmc/own"})
    assert wish(record(own)).bmc.credential == "bmc/own"  # type: ignore[union-attr]


# --- profile --------------------------------------------------------------------------------------------------------

RULES = {
    "by_platform_role": {"debian-12/gpu-node": ProfileRef(sku="lab-node", release="2026.12")},
    "by_device_type": {"lab-node": ProfileRef(sku="lab-node", release="2026.11")},
}


@pytest.mark.parametrize(
    ("changes", "release", "won_by"),
    [
        (
            {"custom_fields": {"bringup_sku": "dgx-h100", "bringup_release": "2026.12"}},
            "2026.12",
            "custom fields bringup_sku, bringup_release",
        ),
        ({}, "2026.11", "config context bringup"),
        ({"config_context": {}}, "2026.12", "platform and role debian-12/gpu-node"),
        ({"config_context": {}, "platform": None}, "2026.11", "device type lab-node"),
        (
            {"custom_fields": {"bringup_release": {"value": "2026.12", "label": "December"}}},
            "2026.12",
            "sku: config context bringup; release: custom fields bringup_sku, bringup_release",
        ),
    ],
)
def test_the_first_rule_wins_and_is_named(changes: dict[str, Any], release: str, won_by: str) -> None:
    profile = wish(record(device(**changes)), **RULES).profile
    assert profile is not None
    assert (profile.release.name, profile.won_by) == (release, won_by)


def test_an_unknown_profile_is_a_problem_even_where_a_later_rule_knows_one() -> None:
    desired = wish(record(device(custom_fields={"bringup_sku": "h200"})), **RULES)
    assert desired.profile is None
    assert desired.problems == (
        "the sku 'h200' (custom fields bringup_sku, bringup_release) is not among this site's profiles",
    )


def test_no_profile_at_all() -> None:
    desired = wish(record(device(config_context={})))
    assert [p.split(" is given")[0] for p in desired.problems] == ["no sku", "no release"]


# --- what is wrong --------------------------------------------------------------------------------------------------


def test_a_release_whose_driver_does_not_fit_the_sku_is_a_problem_of_the_node() -> None:
    sku = PROFILES.skus["lab-node"].model_copy(update={"gpu_model": "h100-pcie", "gpu_count": 8})
    old = {
        "distribution": "debian-12",
        "roles": ("nvidia_driver",),
        "variables": {"nvidia_driver_version": "470.82.01"},
    }
    release = PROFILES.releases["2026.11"].model_copy(update=old)
    desired = project(record(), SETTINGS, Profiles({sku.name: sku}, {release.name: release}))
    assert desired.profile is not None
    assert [p.partition(",")[0] for p in desired.problems] == ["release 2026.11: driver 470.82.01 is older than 525"]


def test_no_serial() -> None:
    desired = wish(record(device(serial="  ")))
    assert desired.serial is None
    assert desired.problems[0].startswith("it has no serial number")


def test_nobody_is_told_of_problems_of_a_device_that_is_not_ours() -> None:
    assert wish(record(device(serial="", status={"value": "planned"}), interfaces=[])).problems == ()


def test_mounts_and_wrong_ones() -> None:
    good = {"target": "/data", "source": "10.0.0.9:/export", "fstype": "nfs4", "options": ["nconnect=4"]}
    context = {"bringup": {"sku": "lab-node", "release": "2026.11", "mounts": [good, {"target": 7}]}}
    desired = wish(record(device(config_context=context)))
    assert [m.target for m in desired.mounts] == ["/data"]
    assert desired.problems == ("mount 2 of the config context is wrong: target: Input should be a valid string",)


@pytest.mark.parametrize("context", [None, [], {"bringup": 7}, {"bringup": {"mounts": "x"}}, {"bringup": {"bmc": 1}}])
def test_a_config_context_of_any_shape_raises_nothing(context: Any) -> None:
    assert wish(record(device(config_context=context))).problems != ()


def test_the_tag_protects() -> None:
    assert wish(record(device(tags=[{"slug": "bringup-protected"}]))).protected


def test_nothing_that_bringup_writes_is_projected() -> None:
    ours = {name: "anything" for name in SETTINGS.fields.written}
    told = device(custom_fields=ours, status={"value": "active"})
    assert wish(record(told)).same_wish(wish(record()))


def test_order_of_rows_does_not_matter() -> None:
    rows = [interface(), interface(id=32, name="eth1", mac_address="02:00:00:00:01:17")]
    assert wish(record(interfaces=rows)) == wish(record(interfaces=rows[::-1]))


def test_what_is_gone_keeps_key_and_name_and_asks_for_nothing() -> None:
    left = gone(wish(record()), "deleted")
    assert (left.node, left.name, left.intent, left.bmc) == ("lab.nb-17", "gpu-001", Intent.NOT_OURS, None)
