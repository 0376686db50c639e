"""Registration in a real subnet: OpenSM over ibsim, asked from the node's side and from the manager's."""

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path

import pytest

from burn_in.gate import Gate
from burn_in.subnet_manager import InfinibandDiags
from lab.infiniband.subnet import Subnet
from tests.burn_in.wishes import Kept, wish
from workflows.model.desired import Interface
from workflows.model.verdict import BurnInReport

pytestmark = pytest.mark.real
_CHECKOUT = Path(__file__).resolve().parents[2]


async def _burn_in(subnet: Subnet, host: str, guid: str | None = None) -> BurnInReport:
    """The whole way: the probe as it runs on the node, the gate, the manager's side by its own host."""
    path = subnet.directory / "bundle.json"
    tools = subnet.directory / "tools"
    tools.mkdir(exist_ok=True)
    for tool in ("ibstat", "sminfo"):
        wrapper = tools / tool
        wrapper.write_text(subnet.wrapper(host, tool, subnet.directory))
        wrapper.chmod(0o755)
    environment = {"PYTHONPATH": str(_CHECKOUT), "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin"}
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "burn_in.probes", str(path), "30", "infiniband"),
        stdin=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    assert await probe.wait() == 0
    pci = "/sys/bus/pci/devices/0000:00:00.0"
    gpu = {
        "probe": "gpu",
        "started": 0,
        "seconds": 0,
        "commands": [
            {"name": "pci", "argv": ["grep"], "rc": 0, "stdout": f"{pci}/vendor:0x8086\n{pci}/class:0x060000\n"},
            {"name": "nvidia-smi", "argv": ["nvidia-smi"], "rc": 127},
        ],
    }
    desired = wish(
        interfaces=(Interface(name="ib0", guid=guid or subnet.guid(host)),),
        infiniband_ports=1,
        infiniband_rate_gbps=104,
    )
    diags = InfinibandDiags(command_prefix=subnet.client_prefix(subnet.manager))
    bundles = {
        "infiniband": json.dumps(json.loads(path.read_bytes())["infiniband"]).encode(),
        "gpu": json.dumps(gpu).encode(),
    }
    return await Gate(Kept(), diags).judge(desired, bundles)


def _failed(report: BurnInReport) -> set[str]:
    return {c.id for c in report.failures}


async def test_registered_port_passes(subnet: Subnet) -> None:
    """Both sides agree, and each check names the evidence that it was read from."""
    report = await _burn_in(subnet, "gpu01")
    assert report.accepted, report.failures
    assert {"infiniband.registered", "infiniband.registered_lid", "infiniband.manager"} <= {c.id for c in report.checks}
    assert all(c.evidence for c in report.checks)


async def test_dead_manager_fails_though_port_is_active(subnet: Subnet) -> None:
    """ibstat still shows Active with the old LIDs: only asking the manager tells."""
    await subnet.kill_manager()
    assert "State: Active" in await subnet.ask("gpu01", "ibstat")
    report = await _burn_in(subnet, "gpu01")
    assert "infiniband.port" not in _failed(report)
    assert {"infiniband.manager", "infiniband.subnet_manager", "infiniband.registered"} <= _failed(report)


async def test_unlinked_port_fails_from_both_sides(subnet: Subnet) -> None:
    """The node sees its port down, the manager's side can't reach it."""
    await subnet.command('Unlink "gpu03"[1]', host="gpu03", until="State: Down")
    report = await _burn_in(subnet, "gpu03")
    assert {"infiniband.port", "infiniband.manager", "infiniband.registered"} <= _failed(report)
    await subnet.command('ReLink "gpu03"[1]', host="gpu03", until="State: Active")
    assert (await _burn_in(subnet, "gpu03")).accepted


async def test_guid_that_the_node_does_not_have_fails(subnet: Subnet) -> None:
    """The inventory names another GUID: the node's good port is no substitute."""
    report = await _burn_in(subnet, "gpu01", guid="0x00000000deadbeef")
    assert _failed(report) == {"infiniband.port"}


async def test_guid_of_a_neighbour_fails(subnet: Subnet) -> None:
    """Two nodes swapped: the neighbour's GUID is registered, but it is not on this node."""
    report = await _burn_in(subnet, "gpu01", guid=subnet.guid("gpu02"))
    assert _failed(report) == {"infiniband.port"}


async def test_manager_side_knows_no_stranger(subnet: Subnet) -> None:
    """A GUID and a LID that nobody has: saquery prints nothing and exits 0, and that is no registration."""
    view = await InfinibandDiags(subnet.client_prefix(subnet.manager)).see("00000000deadbeef", 4000)
    assert view.manager is not None
    assert view.manager.master
    assert view.description is None
    assert view.record is None


async def test_manager_side_without_tools_answers_nothing() -> None:
    """Its tools are missing: said in words, and nothing is known."""
    view = await InfinibandDiags(("/nonexistent",)).see("b8cef60300cc0011", 6)
    assert (view.manager, view.description, view.record) == (None, None, None)
    assert len(view.trouble) == 4
    assert (await InfinibandDiags(("/nonexistent",)).links()).fabric is None


async def test_remote_mode_serves_over_udp(tmp_path: Path) -> None:
    """What machines and other namespaces use: the same subnet over UDP."""
    async with Subnet(tmp_path, ("gpu01", "gpu02"), "gpu02", port=free_udp_ports(11)) as subnet:
        assert "SMINFO_MASTER" in await subnet.ask("gpu01", "sminfo")


def free_udp_ports(count: int) -> int:
    """The first of ``count`` UDP ports in a row that were free a moment ago."""
    for first in range(31000, 60000, count):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                taken.bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free UDP ports")
