"""gpu_burn: what it printed, never its exit status, which is always 0. It says OK of a GPU that did nothing."""

from burn_in.judges.sisters import judge_sisters
from burn_in.judges.verdicts import Want, equal, error, judged
from burn_in.readers.gpu_burn import BurnedGpu, GpuBurn
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check

_SOURCE = "wilicc/gpu-burn"
_ANY = Threshold(
    value=1, source=_SOURCE, date="2026-08-21", method="Gflop/s of the last round: it did something at all"
)


def judge_gpu_burn(run: GpuBurn, gpus: int) -> tuple[Check, ...]:
    """One run on a node with so many GPUs, to its end."""
    speeds = {f"GPU {g.index}": g.gflops for g in run.gpus}
    return (
        *(error("gpu_burn.run", "", f"gpu_burn complains: {t[:300]}") for t in run.troubles),
        equal("gpu_burn.gpus", "", len({g.index for g in run.gpus}), gpus, "the sku", Action.COLLECT),
        *(check for gpu in run.gpus for check in _gpu(gpu)),
        *judge_sisters("gpu_burn.speed", speeds, _ANY, "Gflop/s", Action.SERVICE),
    )


def _gpu(gpu: BurnedGpu) -> tuple[Check, ...]:
    who = f"GPU {gpu.index}"
    worked = gpu.iterations is not None and gpu.iterations > 0
    return (
        judged("gpu_burn.verdict", who, "OK" if gpu.ok else "FAULTY", gpu.ok, Want("OK", _SOURCE, Action.RMA)),
        judged("gpu_burn.work", who, gpu.iterations, worked, Want("some iterations", _SOURCE, Action.COLLECT)),
        judged("gpu_burn.errors", who, gpu.errors, gpu.errors == 0, Want("no wrong result", _SOURCE, Action.RMA)),
    )
