"""The host around the GPUs: memory errors, clock, system disks, parallel file systems."""

from collections.abc import Sequence

from burn_in.judges.verdicts import Want, at_most, equal, judged
from burn_in.readers.chrony import Tracking
from burn_in.readers.memory import MemoryController
from burn_in.readers.nvme import NvmeSmart
from burn_in.readers.parallel_fs import LustreHealth, ScaleNode
from burn_in.thresholds.common import CommonThresholds
from workflows.model.verdict import Action, Check, Verdict


def judge_edac(controllers: Sequence[MemoryController]) -> tuple[Check, ...]:
    """``/sys/devices/system/edac``: no uncorrectable error since boot, by controller and, where known, DIMM."""
    if not controllers:
        return (equal("host.memory.errors", "", None, 0, "mej/nhc", Action.SERVICE),)
    return tuple(_controller(c) for c in controllers)


def _controller(controller: MemoryController) -> Check:
    sick = [d.label or d.name for d in controller.dimms if d.uncorrectable]
    want = Want("0 uncorrectable errors", "mej/nhc; facebookresearch/gcm", Action.RMA, advice=", ".join(sick)[:200])
    count = controller.uncorrectable
    return judged("host.memory.errors", controller.name, count, count == 0, want)


def judge_clock(tracking: Tracking, limits: CommonThresholds) -> tuple[Check, ...]:
    """``chronyc tracking``: it follows a source, and is near it."""
    source = tracking.source if tracking.synchronised else "not synchronised"
    follows = Want("synchronised", "MAAS; mej/nhc", Action.RECONFIGURE)
    offset = abs(tracking.offset_s) if tracking.synchronised else None
    return (
        judged("host.clock.source", "", source, tracking.synchronised, follows),
        at_most("host.clock.offset", "", offset, limits.clock_offset_s, Action.RECONFIGURE, "s"),
    )


def judge_nvme(device: str, smart: NvmeSmart, limits: CommonThresholds) -> tuple[Check, ...]:
    """``nvme smart-log`` of one disk."""
    spare = Want(f"at least {smart.spare_threshold} %", "the disk's own threshold", Action.RMA, "%")
    enough = smart.available_spare >= smart.spare_threshold
    return (
        equal(
            "host.nvme.warning", device, smart.critical_warning, 0, "NVMe specification, critical warning", Action.RMA
        ),
        at_most("host.nvme.media", device, smart.media_errors, limits.nvme_media_errors, Action.RMA, "errors"),
        judged("host.nvme.spare", device, smart.available_spare, enough, spare),
        at_most(
            "host.nvme.used", device, smart.percent_used, limits.nvme_used_percent, Action.SERVICE, "%", Verdict.WARN
        ),
    )


def judge_lustre(health: LustreHealth) -> tuple[Check, ...]:
    """``lctl get_param health_check``."""
    want = Want("healthy", "Lustre wiki, health checks", Action.SERVICE, advice="; ".join(health.details)[:300])
    said = "healthy" if health.healthy else "not healthy"
    return (judged("storage.lustre", "", said, health.healthy, want),)


def judge_scale(nodes: Sequence[ScaleNode]) -> tuple[Check, ...]:
    """``mmgetstate``: each node that it lists is active."""
    if not nodes:
        return (equal("storage.scale", "", None, "active", "IBM Storage Scale, mmgetstate", Action.SERVICE),)
    source = "IBM Storage Scale, mmgetstate"
    return tuple(equal("storage.scale", n.name, n.state, "active", source, Action.SERVICE) for n in nodes)
