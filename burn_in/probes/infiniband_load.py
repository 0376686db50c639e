"""InfiniBand at work: each adapter writes to itself through its port's hardware, as fast as it can.

Loop-back shows the adapter, its PCIe link and its memory path; a cable or a switch it doesn't show. Both ends run here,
bound to the memory of the adapter's own socket where ``numactl`` is there: across sockets a healthy adapter is slow too.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from burn_in.probes.commands import environment, run
from burn_in.probes.meanwhile import meanwhile

_FIRST_PORT = 18515
_TRIES = 10
_SECONDS = 60.0


def load(level: str, ports: Sequence[tuple[str, str]]) -> Iterator[dict[str, object]]:
    """One record for each DEVICE and port, the client's; the gate has none."""
    if level == "gate":
        return
    for number, (device, port) in enumerate(ports):
        argv = [*_bound(device), "ib_write_bw", "-d", device, "-i", port, "-s", "8388608", "-n", "2000"]
        argv += ["-F", "--report_gbits", "-p", str(_FIRST_PORT + number)]
        with meanwhile("server", argv, 0, _SECONDS):
            yield _client(f"perftest {device}/{port}", [*argv, "127.0.0.1"])


def _client(name: str, argv: list[str]) -> dict[str, object]:
    """The server needs a moment until it listens; perftest's client gives up at once."""
    until = time.monotonic() + _SECONDS
    for _ in range(_TRIES):
        record = run(name, argv, max(1.0, until - time.monotonic()))
        if "Couldn't connect" not in f"{record.get('stdout')}{record.get('stderr')}":
            break
        time.sleep(0.5)
    return record


def _bound(device: str) -> list[str]:
    try:
        node = int(Path(f"/sys/class/infiniband/{device}/device/numa_node").read_text())
    except (OSError, ValueError):
        return []
    numactl = shutil.which("numactl", path=environment()["PATH"])
    return [numactl, f"--cpunodebind={node}", f"--membind={node}"] if numactl and node >= 0 else []
