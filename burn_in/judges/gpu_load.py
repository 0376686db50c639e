"""GPUs under load: three looks by ``nvidia-smi -q -x``, before, during and after it.

A bandwidth that passes while the GPU throttles, replays PCIe packets or counts new ECC errors is no pass. Idle GPUs
down-train their links, so generation and width are only judged in the look *during* the load.
"""

from burn_in.judges.verdicts import Value, Want, at_least, at_most, judged
from burn_in.readers.nvidia_smi import Gpu, NvidiaSmi
from burn_in.thresholds.common import CommonThresholds
from burn_in.thresholds.load import GpuThresholds
from workflows.model.verdict import Action, Check, Verdict

_NEVER = ("hw_therm_slowdown", "hw_power_brake", "sw_therm_slowdown")
"""Reasons that cost speed and are nobody's wish; a software power cap under full load is the rule."""


def judge_gpu_load(
    before: NvidiaSmi,
    during: NvidiaSmi,
    after: NvidiaSmi,
    hours: float,
    wanted: GpuThresholds,
    common: CommonThresholds,
) -> tuple[Check, ...]:
    """Each GPU that was there before; one that is missing in a later look has no value there."""
    then, last = _by_uuid(during), _by_uuid(after)
    checks: list[Check] = []
    for who, gpu in _by_uuid(before).items():
        checks += _link(who, then.get(who), wanted)
        checks.append(_throttles(who, then.get(who)))
        checks += _grown(who, gpu, last.get(who), hours, common)
    return tuple(checks)


def _by_uuid(smi: NvidiaSmi) -> dict[str, Gpu]:
    return {g.uuid or g.pci_address: g for g in smi.gpus}


def _link(who: str, gpu: Gpu | None, wanted: GpuThresholds) -> tuple[Check, ...]:
    generation, width = (gpu.current_link_gen, gpu.current_link_width) if gpu else (None, None)
    return (
        at_least("gpu.load.link.generation", who, generation, wanted.link_gen, Action.SERVICE),
        at_least("gpu.load.link.width", who, width, wanted.link_width, Action.SERVICE),
    )


def _throttles(who: str, gpu: Gpu | None) -> Check:
    active: Value | None = None
    if gpu is not None and gpu.throttles is not None:
        active = ", ".join(gpu.throttles) or "none"
    return judged(
        "gpu.load.throttle", who, active, active == "none", Want("none", "azurehpc-health-checks", Action.SERVICE)
    )


def _grown(who: str, gpu: Gpu, last: Gpu | None, hours: float, common: CommonThresholds) -> list[Check]:
    old, new = gpu.throttle_us, last.throttle_us if last else {}
    checks = []
    for reason in _NEVER:
        grown = _more(old.get(reason), new.get(reason))
        want = Want("0 us", "azurehpc-health-checks", Action.SERVICE, "us")
        checks.append(judged(f"gpu.load.throttled.{reason}", who, grown, grown == 0, want))
    errors = _more(gpu.volatile_uncorrectable, last.volatile_uncorrectable if last else None)
    none = Want("no new errors", "azurehpc-health-checks", Action.SERVICE)
    checks.append(judged("gpu.load.ecc.uncorrectable", who, errors, errors == 0, none))
    replays = _more(gpu.replay_counter, last.replay_counter if last else None)
    rate = None if replays is None else replays / max(hours, 1.0)
    limit = common.pcie_replays_per_hour
    checks.append(at_most("gpu.load.pcie.replays", who, rate, limit, Action.SERVICE, "/h", Verdict.WARN))
    return checks


def _more(first: float | None, last: float | None) -> float | None:
    """What came on top; None where a value is missing or the counter began anew."""
    return last - first if first is not None and last is not None and last >= first else None
