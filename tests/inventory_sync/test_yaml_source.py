"""A directory of YAML files as the inventory: same generations, the outcome beside each file, one bad file stops nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from watchfiles import awatch

from inventory_sync.yaml_source import YamlSource
from lab.memory.bus import MemoryBus
from lab.memory.clock import LocalClock
from lab.memory.store import MemoryStore
from tests.inventory_sync.rows import PROFILES, SETTINGS
from workflows.model.desired import Desired, Intent
from workflows.model.errors import BadInput
from workflows.model.status import NodeState, NodeStatus

pytestmark = pytest.mark.fast

NODE = """
status: staged
serial: SN-{0}
sku: lab-node
release: "2026.11"
bmc: {{address: "127.0.0.1:{0}"}}
interfaces:
  - name: eth0
    mac: 02:00:00:00:00:{0}
    addresses: [{{cidr: 10.0.0.{0}/24, gateway: 10.0.0.1, primary: true}}]
"""


@pytest.fixture
def source(tmp_path: Path) -> YamlSource:
    return YamlSource(tmp_path, "lab", MemoryStore(), MemoryBus(), LocalClock(), SETTINGS, PROFILES)


def write(source: YamlSource, stem: str, text: str) -> None:
    (source.directory / f"{stem}.yaml").write_text(text)


def beside(source: YamlSource, stem: str) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load((source.directory / f"{stem}.status.yaml").read_text())
    return content


async def desired(source: YamlSource, node: str) -> Desired:
    value = await source.store.get(f"desired.{node}")
    assert value.data is not None
    return Desired.decode(value.data)


@asynccontextmanager
async def running(source: YamlSource) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run())
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_file_becomes_a_wish_under_a_key_of_its_name(source: YamlSource) -> None:
    write(source, "GPU 001.rno1", NODE.format(11))
    await source.look()
    wish = await desired(source, "lab.gpu-001-rno1")
    assert (wish.name, wish.generation, wish.problems) == ("GPU 001.rno1", 1, ())
    assert wish.profile is not None
    assert wish.profile.won_by == "GPU 001.rno1.yaml"
    await source.look()
    assert (await desired(source, "lab.gpu-001-rno1")).generation == 1
    write(source, "GPU 001.rno1", NODE.format(12))
    await source.look()
    assert (await desired(source, "lab.gpu-001-rno1")).generation == 2


async def test_a_wrong_file_is_named_beside_it_and_stops_nobody(source: YamlSource) -> None:
    write(source, "bad", "status: staged\nserial: [1]")
    write(source, "good", NODE.format(11))
    await source.look()
    assert (await desired(source, "lab.good")).problems == ()
    assert (await source.store.get("desired.lab.bad")).data is None
    [problem] = beside(source, "bad")["problems"]  # type: ignore[misc]
    assert problem.startswith("bad.yaml: serial: ")
    with pytest.raises(BadInput):
        await source.read("lab.bad")


async def test_a_file_that_went_wrong_leaves_its_last_wish(source: YamlSource) -> None:
    write(source, "n1", NODE.format(11))
    await source.look()
    write(source, "n1", "status: [")
    await source.look()
    assert (await desired(source, "lab.n1")).serial == "SN-11"


async def test_a_file_that_is_gone_asks_for_nothing(source: YamlSource) -> None:
    write(source, "n1", NODE.format(11))
    await source.look()
    (source.directory / "n1.yaml").unlink()
    await source.look()
    left = await desired(source, "lab.n1")
    assert (left.intent, left.generation) == (Intent.NOT_OURS, 2)
    assert await source.read("lab.n1") is None


async def test_twins_and_what_is_missing(source: YamlSource) -> None:
    write(source, "n1", NODE.format(11))
    write(source, "n2", NODE.format(12).replace("SN-12", "SN-11"))
    write(source, "n3", "status: staged")
    await source.look()
    assert (await desired(source, "lab.n1")).problems == ("n2 (lab.n2) has the same serial sn-11: correct one of them",)
    assert len((await desired(source, "lab.n3")).problems) == 5
    now = await source.read("lab.n1")
    assert now is not None
    assert now.problems
    assert beside(source, "n3")["state"] == "idle"


async def test_two_files_with_one_key_are_refused(source: YamlSource) -> None:
    write(source, "gpu 1", NODE.format(11))
    write(source, "gpu-1", NODE.format(12))
    await source.look()
    assert (await source.store.get("desired.lab.gpu-1")).data is None


async def test_the_run_that_accepted_a_node_stays_beside_its_file_when_the_store_was_lost(source: YamlSource) -> None:
    write(source, "gpu-001", NODE.format(11))
    await source.look()
    assert await source.accepted_by("lab.gpu-001") == ""
    (source.directory / "gpu-001.status.yaml").write_text("accepted_run: lab.gpu-001.c55\n")
    await source.look()
    await source._show("lab.gpu-001")
    assert beside(source, "gpu-001")["accepted_run"] == "lab.gpu-001.c55"
    assert await source.accepted_by("lab.gpu-001") == "lab.gpu-001.c55"


async def test_a_mac_address_of_decimal_digits_is_no_number(source: YamlSource) -> None:
    write(source, "n1", NODE.format(11).replace("02:00:00:00:00:11", "52:54:00:12:34:56"))
    await source.look()
    assert (await desired(source, "lab.n1")).interfaces[0].mac == "52:54:00:12:34:56"


async def test_changes_of_files_and_of_status_are_followed(source: YamlSource) -> None:
    write(source, "n1", NODE.format(11))
    async with asyncio.timeout(20), running(source):
        async for value in source.store.watch("desired.lab.n1"):
            wish = Desired.decode(value.data or b"")
            if wish.serial == "SN-11":
                write(source, "n1", NODE.format(12))
            if wish.serial == "SN-12":
                break
        status = NodeStatus(node="lab.n1", state=NodeState.PARKED, run="lab.n1.g1", reason="which disk?")
        await source.store.put("status.lab.n1", status.encode(), expect=0)
        async for _ in awatch(source.directory, rust_timeout=100, yield_on_timeout=True):
            if beside(source, "n1").get("reason") == "which disk?":
                break
    assert beside(source, "n1")["state"] == "parked"
