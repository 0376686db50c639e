"""A real NetBox, its real webhooks, and what becomes of a change on every way it may come."""

import asyncio
from dataclasses import replace

import pytest

from inventory_sync.api import NetBoxApi
from inventory_sync.fanout import Touched
from inventory_sync.netbox import NetBoxInventory
from inventory_sync.sync import Sync
from lab.memory.store import MemoryStore
from lab.netbox.seed import SeedDevice, seed_site
from tests.inventory_sync.conftest import CONTEXT, Rig, gpu
from tests.inventory_sync.rows import PROFILES
from workflows.engine.ports import Value
from workflows.model.desired import Desired, Intent, Interface, PeerPort
from workflows.model.errors import Refused, Unreachable

pytestmark = pytest.mark.real


async def test_a_whole_device(rig: Rig) -> None:
    mounts = [{"target": "/data", "source": "10.0.0.9:/export", "fstype": "nfs4", "options": ["ro"]}]
    device = gpu(
        3,
        name="GPU 001.rno1.example.com",
        address="10.1.0.3/24",
        guids=("0c:42:a1:03:00:11:22:33",),
        mtu=9000,
        peers=(("leaf 2", "swp7"),),
        fields={"bringup_uuid": "4C4C4544-0001-0002-8003-B4C04F565432"},
        tags=("bringup-protected",),
    )
    made = await seed_site(
        rig.admin,
        replace(device, context={"bringup": {"mounts": mounts}}),
        prefixes=("10.1.0.0/24",),
        gateways={"10.1.0.0/24": "10.1.0.254"},
    )
    await rig.look(*made.devices)
    desired = await rig.desired(f"lab.nb-{made.devices[0]}")
    assert desired.problems == ()
    assert (desired.name, desired.serial, desired.rack) == ("GPU 001.rno1.example.com", "SN-003", "R01")
    assert desired.uuid == "4c4c4544-0001-0002-8003-b4c04f565432"
    assert desired.dns_name == "gpu-003.lab.example.com"
    assert desired.protected
    assert desired.bmc is not None
    assert desired.bmc.address == "10.9.0.3"
    bmc, eth0, ib0 = desired.interfaces
    assert bmc.mgmt_only
    assert (eth0.mac, eth0.mtu, eth0.peer) == ("02:00:00:00:00:03", 9000, PeerPort(device="leaf 2", port="swp7"))
    assert [(a.cidr, a.gateway, a.primary) for a in eth0.addresses] == [("10.1.0.3/24", "10.1.0.254", True)]
    assert ib0.guid == "0x0c42a10300112233"
    assert desired.mounts[0].source == "10.0.0.9:/export"
    assert desired.profile is not None
    assert desired.profile.won_by == "config context bringup"


async def test_a_webhook_brings_a_device_and_each_change_that_matters(rig: Rig) -> None:
    async with rig.running():
        made = await seed_site(rig.admin, gpu(3))
        pk = made.devices[0]
        first = await rig.wait_for(f"lab.nb-{pk}", lambda d: d.intent is Intent.SERVE and not d.problems)
        await rig.admin.update("dcim/devices", pk, {"serial": "SN-OTHER"})
        second = await rig.wait_for(f"lab.nb-{pk}", lambda d: d.serial == "SN-OTHER")
        assert second.generation > first.generation
        [port] = await rig.admin.rows("dcim/interfaces", device_id=pk, name="eth0")
        await rig.admin.update("dcim/interfaces", port["id"], {"mtu": 1400})
        await rig.wait_for(f"lab.nb-{pk}", lambda d: any(i.mtu == 1400 for i in d.interfaces))
        await rig.admin.delete("dcim/devices", pk)
        left = await rig.wait_for(f"lab.nb-{pk}", lambda d: d.intent is Intent.NOT_OURS)
        assert left.status == "deleted"


async def test_a_patch_that_changes_nothing_makes_no_generation(rig: Rig) -> None:
    await rig.look(rig.pk)
    before = await rig.store.get(f"desired.{rig.node}")
    await rig.admin.update("dcim/devices", rig.pk, {"serial": "SN-001", "comments": "hello"})
    await rig.look(rig.pk)
    assert (await rig.store.get(f"desired.{rig.node}")).seq == before.seq


async def test_names_and_sites(rig: Rig) -> None:
    one = await seed_site(rig.admin, gpu(3, name="GPU 001.rno1.example.com"), gpu(4, name=None))
    two = await seed_site(rig.admin, gpu(5, name="GPU 001.rno1.example.com"), site="dc2", context=CONTEXT)
    await seed_site(rig.admin, gpu(6), site="not-ours")
    await rig.look()
    keys = {v.key.removeprefix("desired.") for v in await rig.store.list("desired.>")}
    lab = [*rig.made.devices, *one.devices]
    assert keys == {*(f"lab.nb-{pk}" for pk in lab), f"dc2.nb-{two.devices[0]}"}
    assert [(await rig.desired(key)).problems for key in keys] == [()] * 5
    # A rename keeps key and history; a move to another site leaves a node that asks for nothing.
    await rig.admin.update("dcim/devices", one.devices[0], {"name": "renamed"})
    move = {"site": two.site, "rack": two.rack}
    await rig.admin.update("dcim/devices", one.devices[1], move)
    await rig.look(*one.devices)
    assert (await rig.desired(f"lab.nb-{one.devices[0]}")).name == "renamed"
    left = await rig.desired(f"lab.nb-{one.devices[1]}")
    assert (left.intent, left.status) == (Intent.NOT_OURS, "no longer served")
    assert (await rig.desired(f"dc2.nb-{one.devices[1]}")).problems == ()


async def test_what_is_missing_is_said(rig: Rig) -> None:
    bare = SeedDevice(name="bare", status="staged")
    made = await seed_site(rig.admin, bare, site="dc2")
    await rig.look(*made.devices)
    problems = (await rig.desired(f"dc2.nb-{made.devices[0]}")).problems
    assert [p.split(":")[0].split(" is given")[0] for p in problems] == [
        "it has no serial number",
        "no interface has a MAC address",
        "it has no out-of-band address and 0 addresses on management-only interfaces",
        "no sku",
        "no release",
    ]
    row = await rig.admin.get("dcim/devices", made.devices[0])
    assert row is not None
    assert row["custom_fields"]["bringup_message"].startswith("It has no serial number")
    [entry] = await rig.admin.rows("extras/journal-entries", assigned_object_id=made.devices[0])
    assert "no serial number" in entry["comments"]


async def test_two_with_one_serial_are_both_refused_until_one_is_corrected(rig: Rig) -> None:
    one, two = rig.made.devices
    await rig.look()
    assert (await rig.desired(f"lab.nb-{one}")).problems == ()
    await rig.admin.update("dcim/devices", two, {"serial": "SN-001"})
    await rig.look(two)
    for node, other in ((one, two), (two, one)):
        [problem] = (await rig.desired(f"lab.nb-{node}")).problems
        assert f"(lab.nb-{other}) has the same serial sn-001" in problem
    inventory = NetBoxInventory(rig.sync.api, rig.store, rig.sync.settings, lambda: PROFILES)
    now = await inventory.read(f"lab.nb-{one}")
    assert now is not None
    assert now.problems
    assert await inventory.accepted_by(f"lab.nb-{one}") == ""
    await rig.admin.update("dcim/devices", one, {"custom_fields": {"bringup_accepted_run": f"lab.nb-{one}.c55"}})
    assert await inventory.accepted_by(f"lab.nb-{one}") == f"lab.nb-{one}.c55"
    await rig.admin.update("dcim/devices", two, {"serial": "SN-002"})
    await rig.look(two)
    for node in (one, two):
        assert (await rig.desired(f"lab.nb-{node}")).problems == ()


async def test_shared_objects_fan_out_by_webhook(rig: Rig) -> None:
    made, node = rig.made, rig.node
    async with rig.running():
        await rig.wait_for(node, lambda d: not d.problems)
        await rig.admin.update(
            "ipam/prefixes", made.prefixes["10.0.0.0/24"], {"custom_fields": {"gateway": "10.0.0.254"}}
        )
        await rig.wait_for(node, lambda d: _eth0(d).addresses[0].gateway == "10.0.0.254")
        [context] = await rig.admin.rows("extras/config-contexts")
        body = {"bringup": CONTEXT["bringup"] | {"release": "2026.12"}}
        await rig.admin.update("extras/config-contexts", context["id"], {"data": body})
        await rig.wait_for(node, lambda d: d.profile is not None and d.profile.release.name == "2026.12")
        [cable] = await rig.admin.rows("dcim/cables")
        await rig.admin.delete("dcim/cables", cable["id"])
        await rig.wait_for(node, lambda d: _eth0(d).peer is None)
        [address] = await rig.admin.rows("ipam/ip-addresses", address="10.0.0.1/24")
        await rig.admin.update("ipam/ip-addresses", address["id"], {"dns_name": "other.example.com"})
        await rig.wait_for(node, lambda d: d.dns_name == "other.example.com")
        [mac] = await rig.admin.rows("dcim/mac-addresses", mac_address="02:00:00:00:00:01")
        await rig.admin.update("dcim/mac-addresses", mac["id"], {"mac_address": "02:00:00:00:00:77"})
        await rig.wait_for(node, lambda d: _eth0(d).mac == "02:00:00:00:00:77")


async def test_device_type_and_platform_fan_out(rig: Rig) -> None:
    made = rig.made
    await rig.look()
    for path, pk in (("dcim/device-types", made.device_type), ("dcim/platforms", made.platform)):
        what = Touched(filters=frozenset({("device_type_id" if "types" in path else "platform_id", pk)}))
        await rig.admin.update("dcim/devices", made.devices[0], {"serial": f"after-{pk}-{path[-5:]}"})
        await rig.sync.look_at(what)
        assert (await rig.desired(f"lab.nb-{made.devices[0]}")).serial == f"after-{pk}-{path[-5:]}"


async def test_two_syncs_and_edits_at_once_end_at_what_netbox_says(rig: Rig) -> None:
    pk = rig.pk
    second = Sync(rig.sync.api, rig.store, rig.bus, rig.sync.settings, PROFILES, rig.evidence)

    async def edit(number: int) -> None:
        await rig.admin.update("dcim/devices", pk, {"serial": f"SN-{number}"})
        which = rig.sync if number % 2 else second
        await which.look_at(Touched(devices=frozenset({pk})))

    await asyncio.gather(*(edit(n) for n in range(6)))
    row = await rig.admin.get("dcim/devices", pk)
    assert row is not None
    assert (await rig.desired(f"lab.nb-{pk}")).serial == row["serial"]


class _Interrupted(MemoryStore):
    """Lets something happen between the look and the first write of a wish."""

    async def put(self, key: str, data: bytes, **options: object) -> int:  # type: ignore[override]
        if key.startswith("desired.") and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return await super().put(key, data, **options)  # type: ignore[arg-type]

    meanwhile = None


async def test_a_look_that_was_overtaken_starts_over(rig: Rig) -> None:
    pk = rig.pk
    store = _Interrupted()
    slow = Sync(rig.sync.api, store, rig.bus, rig.sync.settings, PROFILES, rig.evidence)
    fast = Sync(rig.sync.api, store, rig.bus, rig.sync.settings, PROFILES, rig.evidence)

    async def overtake() -> None:
        await rig.admin.update("dcim/devices", pk, {"serial": "NEWER"})
        await fast.look_at(Touched(devices=frozenset({pk})))

    store.meanwhile = overtake  # type: ignore[assignment]
    await slow.look_at(Touched(devices=frozenset({pk})))
    value: Value = await store.get(f"desired.lab.nb-{pk}")
    assert Desired.decode(value.data or b"").serial == "NEWER"
    assert Desired.decode(value.data or b"").generation == 1


async def test_a_first_sync_of_many_devices_in_service_writes_nothing_to_netbox(rig: Rig) -> None:
    made = rig.made
    base = {"site": made.site, "role": made.role, "device_type": made.device_type, "status": "planned"}
    await rig.admin.create("dcim/devices", [base | {"name": f"n{n}", "serial": f"S{n}"} for n in range(60)])
    [before] = await rig.admin.page("core/object-changes", 1, ordering="-id", fields="id")
    await rig.look()
    assert len(await rig.store.list("desired.>")) == 62
    [after] = await rig.admin.page("core/object-changes", 1, ordering="-id", fields="id")
    assert after == before


async def test_the_token_may_do_nothing_else(rig: Rig) -> None:
    [switch] = await rig.admin.rows("dcim/devices", name="leaf1")
    with pytest.raises(Refused):
        await rig.sync.api.update("dcim/devices", switch["id"], {"serial": "x"})
    with pytest.raises(Refused):
        await rig.sync.api.create("dcim/sites", {"name": "x", "slug": "x"})


async def test_a_netbox_out_of_reach_is_said_to_be() -> None:
    api = NetBoxApi("http://127.0.0.1:9", "no token", timeout=2)
    with pytest.raises(Unreachable, match="gave no answer: ConnectionError"):
        await api.rows("dcim/devices")
    api.close()


def _eth0(desired: Desired) -> Interface:
    return next(i for i in desired.interfaces if i.name == "eth0")
