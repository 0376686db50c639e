"""Eight nodes of eight rails on a real OpenSM over ibsim: each fault told by its own check, by node, rail and cable."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from burn_in.judges.cabling import Cable, cables, judge_cabling
from burn_in.judges.pkeys import judge_pkeys
from burn_in.judges.port_counters import judge_port_counters
from burn_in.readers.port_counters import PortCounters, read_perfquery
from burn_in.subnet_manager import InfinibandDiags, SubnetView
from burn_in.thresholds.common import load_common
from lab.infiniband.subnet import Subnet
from lab.infiniband.topology import port_guid, rail_hosts, rails
from workflows.model.desired import Interface, PeerPort
from workflows.model.verdict import Action, Check, Verdict

pytestmark = pytest.mark.real
_NODES = tuple(f"gpu{n:02d}" for n in range(1, 9))
_RAILS = 8
_HOSTS = rail_hosts(_NODES, _RAILS)
_LEFT_OUT = "gpu04r6"
_COMMON = load_common()


@pytest.fixture
async def railed(infiniband: None, tmp_path: Path) -> AsyncIterator[Subnet]:
    """Rail 3 of gpu02 and gpu05 are in each other's ports; rail 6 of gpu04 is not in the partition of the others."""
    members = ", ".join(f"{port_guid(n)}=full" for n, host in enumerate(_HOSTS) if host != _LEFT_OUT)
    partitions = f"Default=0x7fff, ipoib: ALL=full;\ntrain=0x0010: {members};\n"
    topology = rails(_NODES, _RAILS, [("gpu02r3", "gpu05r3")])
    async with Subnet(tmp_path, _HOSTS, "gpu01r1", topology=topology, partitions=partitions) as running:
        yield running


def _wanted() -> tuple[Cable, ...]:
    """What the inventory says: rail r of node n ends at port n of leaf r."""
    found: list[Cable] = []
    for number, node in enumerate(_NODES, 1):
        peers = {rail: PeerPort(device=f"leaf{rail:02d}", port=f"1/{number}") for rail in range(1, _RAILS + 1)}
        interfaces = tuple(
            Interface(name=f"ib{rail}", guid=port_guid((number - 1) * _RAILS + rail - 1), peer=peer)
            for rail, peer in peers.items()
        )
        found += cables(node, interfaces)
    return tuple(found)


async def _cabling(subnet: Subnet) -> dict[str, Check]:
    view = await InfinibandDiags(subnet.client_prefix("gpu01r1")).links()
    assert view.fabric is not None, view.trouble
    wanted = _wanted()
    return {c.entity: c for node in _NODES for c in judge_cabling(node, wanted, view.fabric)}


async def _counters(subnet: Subnet, lid: int) -> PortCounters:
    return read_perfquery(await subnet.ask("gpu01r1", "perfquery", str(lid), "1"))[0]


async def test_each_fault_of_64_rails_is_told_by_its_own_check(railed: Subnet) -> None:
    """Mis-cabled, unlinked, another partition, errors that rise, a dead manager: one after the other on one subnet."""
    found = await _cabling(railed)
    assert len(found) == len(_HOSTS)
    assert {e for e, c in found.items() if c.verdict is not Verdict.PASS} == {"gpu02 ib3", "gpu05 ib3"}
    assert found["gpu02 ib3"].advice == "swap the cables of gpu02 ib3 and gpu05 ib3"

    await railed.command('Unlink "gpu07r2"[1]', host="gpu07r2", until="State: Down")
    assert (await _cabling(railed))["gpu07 ib2"].measured == "linked to nothing"

    diags = InfinibandDiags(railed.client_prefix("gpu01r1"))
    gpu04 = {
        host: await diags.see(railed.guid(host).removeprefix("0x"), railed.recorded_lid(host))
        for host in _HOSTS
        if host.startswith("gpu04")
    }
    keys = judge_pkeys({host: view.pkeys for host, view in gpu04.items()})
    (odd,) = [c for c in keys if c.verdict is not Verdict.PASS]
    assert (odd.entity, odd.verdict, odd.action) == (_LEFT_OUT, Verdict.FAIL, Action.SUBNET_MANAGER)
    assert odd.advice == "give it 0x8010, 0xffff"

    lid = railed.recorded_lid("gpu06r5")
    before = await _counters(railed, lid)
    asked = ("perfquery", str(lid), "1")
    line = 'PerformanceSet "gpu06r5"[1] PortCounters.SymbolErrorCounter=500'
    await railed.command(line, host="gpu01r1", until="SymbolErrorCounter:..............500", tool=asked)
    risen = judge_port_counters("gpu06 ib5", before, await _counters(railed, lid), 1.0, _COMMON)
    assert {c.id for c in risen if c.verdict is not Verdict.PASS} == {"infiniband.counter.symbol_error"}
    quiet = await _counters(railed, railed.recorded_lid("gpu06r4"))
    assert all(c.verdict is Verdict.PASS for c in judge_port_counters("gpu06 ib4", quiet, quiet, 1.0, _COMMON))

    await railed.kill_manager()
    views: list[SubnetView] = await asyncio.gather(
        *(diags.see(railed.guid(host).removeprefix("0x"), railed.recorded_lid(host)) for host in ("gpu08r1", "gpu08r2"))
    )
    assert all(view.manager is None and view.description is None for view in views)
    assert "State: Active" in await railed.ask("gpu08r1", "ibstat")
