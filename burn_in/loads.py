"""What the loads of a level left: three looks at the GPUs, NVLink errors before and after. A missing look is an error."""

from collections.abc import Callable

from burn_in.bundle import Bundle
from burn_in.judges.gpu_load import judge_gpu_load
from burn_in.judges.nvlink import judge_nvlink_errors
from burn_in.judges.verdicts import error
from burn_in.readers.nvidia_smi import NvidiaSmi, read_nvidia_smi
from burn_in.readers.nvlink import read_nvlink_errors
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


def _output[T](bundle: Bundle, name: str, reader: Callable[[str], T]) -> T:
    command = bundle.command(name)
    if command is None:
        raise Unreadable(f"the probe {bundle.probe} did not come to {name}")
    if not command.whole:
        raise Unreadable(command.trouble)
    return reader(command.stdout)
