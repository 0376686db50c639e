"""The way into a simulated machine, used by the worker's real Ansible driver: nothing outside its folder is touched."""

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from lab.rack.machine import SimulatedMachine
from lab.rack.rack import ROLES, Rack
from tests.rack.conftest import NODE, Boot, eventually
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.engine.ports import Host
from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json

pytestmark = pytest.mark.real

PROBES = Path(__file__).resolve().parents[2] / "burn_in" / "probes"
SOON = timedelta(seconds=30)
MARKED = f"/etc/bringup/mark-{uuid.uuid4()}"
MARK = ("sh", "-c", f"mkdir -p /etc/bringup && printf %s m4rk > {MARKED}")
VARIABLES: dict[str, Json] = {"bringup_roles": ["lab_node"], "bringup_hostname": "lab-001", "bringup_mounts": []}


def on_host(path: str) -> bool:
    return Path(path).exists()


def runs(process: int) -> bool:
    """Whether it is there and no zombie that waits for its parent."""
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


@pytest.fixture
def ansible(boot: Boot, rack: Rack) -> AnsibleDriver:
    return AnsibleDriver(boot.bus, boot.secrets, ROLES, PROBES, command_prefix=rack.command_prefix)


@pytest.fixture
async def host(boot: Boot, machine: SimulatedMachine) -> Host:
    """The machine, installed and up."""
    await boot.grant(machine)
    await machine.power_on(network=True)
    home = (await boot.at_home()).home
    assert home is not None
    return Host(NODE, "lab-001", machine.address, home.host_key)


async def test_the_steps_own_commands_see_the_machine_and_not_the_host(
    boot: Boot, ansible: AnsibleDriver, host: Host
) -> None:
    shown = await ansible.shell(
        host, ("sh", "-c", "cat /proc/sys/kernel/random/boot_id; findmnt -no UUID /"), timeout=SOON
    )
    grant, home = await boot.granted(), (await boot.served()).home
    assert grant.report is not None
    assert home is not None
    assert shown.split() == [home.boot_id, grant.report.root_uuid]
    await ansible.shell(host, MARK, timeout=SOON)
    assert await ansible.shell(host, ("cat", MARKED), timeout=SOON) == "m4rk"
    assert not on_host(MARKED)


async def test_another_host_key_is_not_this_machine(ansible: AnsibleDriver, host: Host) -> None:
    stranger = Host(host.node, host.name, host.address, "ssh-ed25519 " + "A" * 68)
    with pytest.raises(Unreachable, match="another host key"):
        await ansible.shell(stranger, ("true",), timeout=SOON)


async def test_another_key_than_the_authorized_one_gets_no_command(
    boot: Boot, ansible: AnsibleDriver, host: Host, machine: SimulatedMachine
) -> None:
    ran = machine.counts.commands
    boot.secrets.private = type(boot.secrets)().private
    with pytest.raises(Unreachable, match="Permission denied"):
        await ansible.shell(host, ("true",), timeout=SOON)
    assert machine.counts.commands == ran


async def test_a_machine_without_power_does_not_answer_and_its_commands_end(
    ansible: AnsibleDriver, host: Host, machine: SimulatedMachine, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    sleeping = asyncio.ensure_future(ansible.shell(host, ("sh", "-c", f"echo $$ > {alive}; sleep 600"), timeout=SOON))
    await eventually(lambda: alive.exists() and alive.read_text() != "")
    await machine.power_off()
    with pytest.raises((Unreachable, Refused)):
        await sleeping
    assert not runs(int(alive.read_text()))
    with pytest.raises(Unreachable):
        await ansible.shell(host, ("true",), timeout=SOON)


async def test_the_lab_role_configures_only_the_machines_folder_and_a_second_run_changes_nothing(
    ansible: AnsibleDriver, host: Host, machine: SimulatedMachine, tmp_path: Path
) -> None:
    first = await ansible.play(host, "site.yml", VARIABLES, run="r", step="configure", timeout=SOON * 4)
    assert first.ok, first.failed
    assert first.changed >= 3
    home = tmp_path / "rack" / "lab-001" / "root" / "root"
    assert "hostname = lab-001" in (home / "lab" / "node.conf").read_text()
    assert machine.counts.modules >= 3
    second = await ansible.play(host, "site.yml", VARIABLES, run="r", step="configure", timeout=SOON * 4)
    assert (second.ok, second.changed) == (True, 0)


async def test_the_projects_own_probes_bring_their_bundles_back(
    ansible: AnsibleDriver, host: Host, tmp_path: Path
) -> None:
    bundles = await ansible.collect(host, ("mounts", "gpu"), {"mounts": []}, run="r", step="burn_in", timeout=SOON * 4)
    assert set(bundles) == {"mounts", "gpu"}
    assert list((tmp_path / "rack" / "lab-001" / "root" / "root" / "probes").iterdir()), (
        "they ran in the machine's home"
    )
