"""What the loads of a level left: looks at the GPUs and counters of links, before and after. A missing look is an error."""

from collections.abc import Callable, Sequence

from burn_in.bundle import Bundle
from burn_in.judges.gpu_load import judge_gpu_load
from burn_in.judges.nvlink import judge_nvlink_errors
from burn_in.judges.port_counters import judge_port_counters
from burn_in.judges.verdicts import error
from burn_in.readers.ibstat import IbPort
from burn_in.readers.nvidia_smi import NvidiaSmi, read_nvidia_smi
from burn_in.readers.nvlink import read_nvlink_errors
from burn_in.readers.port_counters import PortCounters
from burn_in.readers.sysfs_ib import SysfsDevice, read_sysfs_ib
from burn_in.readers.unreadable import Unreadable
from burn_in.thresholds.common import CommonThresholds
from burn_in.thresholds.load import GpuThresholds
from workflows.model.verdict import Check

_HEAT = "gpu-burn"


def judge_loads(
    bundle: Bundle, before: NvidiaSmi, wanted: GpuThresholds, common: CommonThresholds
) -> tuple[Check, ...]:
    """The GPUs during and after the heat, against the look ``before`` it; then their links, where the model has any."""
    checks: list[Check] = []
    try:
        during = _output(bundle, "nvidia-smi during", read_nvidia_smi)
        after = _output(bundle, "nvidia-smi after", read_nvidia_smi)
        heat = bundle.command(_HEAT)
        hours = heat.seconds / 3600 if heat is not None else 0.0
        checks += judge_gpu_load(before, during, after, hours, wanted, common)
    except Unreadable as unreadable:
        checks.append(error("gpu.load", "", str(unreadable)))
    if wanted.nvlink_links is not None:
        try:
            looks = [_output(bundle, name, read_nvlink_errors) for name in ("nvlink-errors", "nvlink-errors after")]
            checks += judge_nvlink_errors(looks[0], looks[1], common.no_errors)
        except Unreadable as unreadable:
            checks.append(error("nvlink.errors", "", str(unreadable)))
    return tuple(checks)


def judge_port_loads(bundle: Bundle, ports: Sequence[IbPort], common: CommonThresholds) -> tuple[Check, ...]:
    """The counters of these ports, before and after the loads."""
    try:
        looks = [_counters(_output(bundle, name, read_sysfs_ib)) for name in ("sysfs-ib", "sysfs-ib after")]
    except Unreadable as unreadable:
        return (error("infiniband.counters", "", str(unreadable)),)
    hours = sum(c.seconds for c in bundle.commands if c.name.startswith("perftest ")) / 3600
    checks: list[Check] = []
    for port in ports:
        name = f"{port.device}/{port.port}"
        checks += judge_port_counters(f"0x{port.guid}", looks[0].get(name), looks[1].get(name), hours, common)
    return tuple(checks)


def _counters(devices: Sequence[SysfsDevice]) -> dict[str, PortCounters]:
    return {p.counters.port: p.counters for d in devices for p in d.ports if p.counters is not None}


def _output[T](bundle: Bundle, name: str, reader: Callable[[str], T]) -> T:
    command = bundle.command(name)
    if command is None:
        raise Unreadable(f"the probe {bundle.probe} did not come to {name}")
    if not command.whole:
        raise Unreadable(command.trouble)
    return reader(command.stdout)
