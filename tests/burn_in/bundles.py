"""Bundles as probes leave them, and the gate over them with what ships: for the tests of the gate."""

import json

from burn_in.gate import Gate
from burn_in.thresholds.common import load_common
from burn_in.thresholds.load import load_thresholds
from burn_in.thresholds.xid_policy import load_xid_policy
from tests.burn_in.wishes import Kept
from workflows.model.desired import Desired
from workflows.model.verdict import BurnInReport, Check

type Raw = dict[str, object]
THRESHOLDS, COMMON, XIDS = load_thresholds(), load_common(), load_xid_policy()
_PCI = "/sys/bus/pci/devices"
H100 = {"name": "h100", "gpu_model": "h100-sxm", "gpu_count": 8}


def command(name: str, stdout: str = "", rc: int | None = 0, **more: object) -> Raw:
    """One command's record."""
    return {"name": name, "argv": [name.split()[0]], "rc": rc, "stdout": stdout, **more}


def bundle(probe: str, *commands: Raw, **more: object) -> bytes:
    """One probe's bundle."""
    return json.dumps({"probe": probe, "started": 0, "seconds": 1, "commands": commands, **more}).encode()


def pci(gpus: int) -> Raw:
    """The bus of a node with so many NVIDIA GPUs."""
    lines = [f"{_PCI}/0000:00:00.0/vendor:0x8086", f"{_PCI}/0000:00:00.0/class:0x060000"]
    for n in range(gpus):
        lines += [f"{_PCI}/0000:{n + 16:02x}:00.0/vendor:0x10de", f"{_PCI}/0000:{n + 16:02x}:00.0/class:0x030200"]
    return command("pci", "\n".join(lines))


NO_DRIVER = command("nvidia-smi", rc=127)
_LINKS = "".join(f"\t Link {n}: 26.562 GB/s\n" for n in range(18))
NVLINK = command(
    "nvlink-status",
    "".join(f"GPU {n}: NVIDIA H100 (UUID: GPU-{n:08}-0000-0000-0000-{n:012})\n{_LINKS}" for n in range(8)),
)
LOG = command("xid", "2026-08-21T09:00:00,000000+00:00 Linux version 6.1\n")


def node(gpus: int, xml: str, *others: Raw) -> bytes:
    """The bundle of a node with GPUs; ``others`` stand in the places of its kernel log and its NVLink."""
    names = {str(o["name"]) for o in others}
    rest = (*others, *(c for c in (NVLINK, LOG) if c["name"] not in names))
    return bundle("gpu", pci(gpus), command("nvidia-smi", xml), *rest)


async def judge(desired: Desired, **bundles: bytes) -> BurnInReport:
    """The gate's report; the host has nothing to tell unless it is given."""
    return await Gate(Kept(), None, THRESHOLDS, COMMON, XIDS).judge(desired, {"host": bundle("host"), **bundles})


def check_of(report: BurnInReport, check: str) -> Check:
    """The first check of that id."""
    return next(c for c in report.checks if c.id == check)
