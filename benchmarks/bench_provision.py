"""What a node costs, *staged* to *in service*: ``bench_provision.py [--nodes 100,1000] [--workers 1] [--bmc fake,redfish]``.

The unmodified ``provision`` on durable settings (file storage, ``sync_interval: always``, one server); machines, BMCs and
boot service are simulated in a process of their own, whose CPU isn't counted; that of the workers and of nats-server is.
What the sync does (storing the wish) is done before the clock starts. One table, then the same as JSON.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulated_nodes import SITE

from lab.inventory import FileInventory
from lab.nats import throwaway_server
from lab.process import LabProcess
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login
from workflows.model.desired import Address, BmcTarget, Desired, Intent, Interface
from workflows.model.profile import DiskHint, Image, Profile, Release, Sku
from workflows.model.settings import Mode, SiteSettings

HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")
_IMAGE = Image(name="none", sha256="a" * 64, size=1, raw_size=1, raw_sha256="b" * 64, root_uuid="none")
_PROFILE = Profile(sku=Sku(name="bench", system_disk=DiskHint()), release=Release(name="bench", image=_IMAGE))
_SETTINGS = SiteSettings(
    site=SITE,
    mode=Mode.AUTOMATIC,
    wipes_at_once=100_000,
    rack_at_once=100_000,
    wipes_per_hour=100_000,
    new_per_hour=100_000,
    runs_at_once=128,
)


async def _measure(nodes: int, workers: int, bmc: str, profile: bool = False) -> dict[str, Any]:
    """One measurement, from the moment when the workers begin to serve to the last run's end."""
    with tempfile.TemporaryDirectory(prefix="bringup-bench-") as temporary:
        directory = Path(temporary)
        async with throwaway_server(directory / "nats") as server:
            argv = [sys.executable, str(HERE / "simulated_nodes.py"), server.url, temporary, str(nodes), bmc]
            async with _process(argv, directory) as simulators:
                await simulators.until((directory / "nodes.json").exists, "the simulators", 120)
                async with open_site([server.url], Login("bench"), SITE) as site:
                    await _stage(site, directory)
                    assert server.pid is not None
                    before = _cpu(server.pid)
                    found = await _drive(site, directory, server.url, nodes, workers, bmc, profile)
                    nats_cpu, nats_memory = _cpu(server.pid) - before, _peak(server.pid)
                    entries = await _entries(site, nodes)
                simulators.process.send_signal(signal.SIGTERM)
                await simulators.process.wait()
                counts = json.loads((directory / "counts.json").read_text())
    cpu = found["worker_cpu"] + nats_cpu
    return {
        "nodes": nodes,
        "workers": workers,
        "bmc": bmc,
        "seconds": round(found["seconds"], 2),
        "nodes_per_second": round(nodes / found["seconds"], 1),
        "node_steps_per_second": round(nodes * found["steps"] / found["seconds"]),
        "cpu_seconds_a_node": round(cpu / nodes, 4),
        "of_it_workers": round(found["worker_cpu"] / nodes, 4),
        "of_it_nats": round(nats_cpu / nodes, 4),
        "peak_worker_mb": found["worker_mb"],
        "peak_nats_mb": nats_memory,
        "entries_a_node": entries,
        "entries_a_step": round(entries / found["steps"], 2),
        "bmc_requests_a_node": _a_node(counts["whole"], nodes),
        "of_it_up_to_the_boot": _a_node(counts["before"], nodes),
        "bmc_requests_up_to_the_boot": round(sum(counts["before"].values()) / nodes, 1),
    }


def _a_node(counts: dict[str, int], nodes: int) -> dict[str, float]:
    return {asked: round(number / nodes, 2) for asked, number in sorted(counts.items())}


async def _stage(site: JetStreamSite, directory: Path) -> None:
    inventory = FileInventory(directory / "inventory")
    for name, serial, uuid, mac, address in json.loads((directory / "nodes.json").read_text()):
        primary = Address(cidr="10.0.0.1/8", primary=True)
        wish = Desired(
            node=f"{SITE}.{name}",
            name=name,
            status="staged",
            intent=Intent.SERVE,
            serial=serial,
            uuid=uuid,
            bmc=BmcTarget(address=address, credential=f"bmc/{name}"),
            interfaces=(Interface(name="eth0", mac=mac, addresses=(primary,)),),
            profile=_PROFILE,
        )
        await inventory.stage(wish, site.store, site.bus)


async def _drive(
    site: JetStreamSite, directory: Path, url: str, nodes: int, workers: int, bmc: str, profile: bool
) -> dict[str, float]:
    """Start the workers, let them go when all are ready, and wait for the last end."""
    settings, running = _SETTINGS.model_dump_json(), []
    for number in range(workers):
        argv = [sys.executable, str(HERE / "simulated_worker.py"), url, str(directory), f"w{number}", bmc, settings]
        if profile and number == 0:
            argv[1:1] = ["-m", "cProfile", "-o", "bench_provision.prof"]
        running.append(await LabProcess.start(argv, output=directory / f"w{number}.log", cwd=Path.cwd()))
    try:
        for number, process in enumerate(running):
            await process.until((directory / f"w{number}.ready").exists, "a worker", 60)
        before = sum(_cpu(p.process.pid) for p in running)
        (directory / "go").touch()
        ended, began, last, said = 0, time.monotonic(), time.monotonic(), dict[str, Any]()
        async for message in site.bus.consume("bench", "note.finished.>"):
            said = json.loads(message.data)
            if said.get("outcome") != "succeeded":
                raise SystemExit(f"{message.subject} did not succeed: {message.data.decode()}")
            ended += 1
            last = time.monotonic()
            if ended == nodes:
                break
        memory = max(_peak(p.process.pid) for p in running)
        cpu = sum(_cpu(p.process.pid) for p in running) - before
        return {"steps": said["step_count"], "seconds": last - began, "worker_cpu": cpu, "worker_mb": memory}
    finally:
        for process in running:
            await process.end(signal.SIGINT)


async def _entries(site: JetStreamSite, nodes: int) -> float:
    """Journal entries a node, by a sample of twenty."""
    names = [f"n{1 + i * max(1, nodes // 20):05}" for i in range(min(20, nodes))]
    found = [len(await site.store.list(f"journal.{SITE}.{name}.>")) for name in names]
    return sum(found) / len(found)


@asynccontextmanager
async def _process(argv: list[str], directory: Path) -> AsyncIterator[LabProcess]:
    process = await LabProcess.start(argv, output=directory / "simulators.log", cwd=Path.cwd())
    try:
        yield process
    finally:
        await process.end()


def _cpu(pid: int) -> float:
    """User and system seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak(pid: int) -> int:
    """The most memory that a process has held, in MB."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


async def main() -> None:
    """All combinations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", default="100,1000")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--bmc", default="fake,redfish")
    parser.add_argument("--profile", action="store_true", help="cProfile of the first worker, to bench_provision.prof")
    given = parser.parse_args()
    shown = ["nodes", "workers", "bmc", "nodes_per_second", "node_steps_per_second", "cpu_seconds_a_node"]
    shown += ["of_it_workers", "of_it_nats", "peak_worker_mb", "peak_nats_mb", "entries_a_step"]
    print(*(f"{name:>{max(8, len(name))}}" for name in shown))
    rows = []
    for bmc in given.bmc.split(","):
        for workers in map(int, given.workers.split(",")):
            for nodes in map(int, given.nodes.split(",")):
                row = await _measure(nodes, workers, bmc, given.profile)
                rows.append(row)
                print(*(f"{row[name]:>{max(8, len(name))}}" for name in shown), flush=True)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
