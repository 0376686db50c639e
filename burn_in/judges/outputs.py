"""Which judge an output belongs to, by the name of its kind (``burn_in/readers/catalog.py``): one table.

What a probe or a support bundle names ``KIND`` or ``KIND PART`` (``nvme-smart-log nvme0n1``) is read and judged here, and
what a level must have brought is missed here. A kind that needs two looks (counters, load) is not in this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from burn_in.judges.dcgm import judge_dcgm
from burn_in.judges.gpu_burn import judge_gpu_burn
from burn_in.judges.host import judge_clock, judge_edac, judge_lustre, judge_nvme, judge_scale
from burn_in.judges.nccl import judge_nccl
from burn_in.judges.nvbandwidth import judge_nvbandwidth
from burn_in.judges.nvlink import judge_nvlink
from burn_in.judges.perftest import judge_perftest
from burn_in.judges.verdicts import error
from burn_in.judges.xids import judge_xids
from burn_in.readers.chrony import read_chrony
from burn_in.readers.dcgm_diag import read_dcgm_diag
from burn_in.readers.gpu_burn import read_gpu_burn
from burn_in.readers.memory import read_edac
from burn_in.readers.nccl_tests import NcclTests, read_nccl_tests
from burn_in.readers.nvbandwidth import read_nvbandwidth
from burn_in.readers.nvlink import read_nvlink_state
from burn_in.readers.nvme import read_nvme_smart
from burn_in.readers.parallel_fs import read_lustre_health, read_scale_state
from burn_in.readers.perftest import read_perftest
from burn_in.readers.unreadable import Unreadable
from burn_in.readers.xid import read_xids
from burn_in.thresholds.common import CommonThresholds
from burn_in.thresholds.load import GpuThresholds
from burn_in.thresholds.xid_policy import XidPolicy
from workflows.model.profile import Sku
from workflows.model.verdict import Check

_DCGM_LEVELS = {"gate": 1, "quick": 2, "standard": 3, "soak": 4}


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges need beside an output. ``gpu`` is None for a model without thresholds, or a node without GPUs."""

    sku: Sku
    level: str
    gpu: GpuThresholds | None
    common: CommonThresholds
    xids: XidPolicy


@dataclass(frozen=True, slots=True)
class _Output[T]:
    read: Callable[[str], T]
    judge: Callable[[T, str, Judging], tuple[Check, ...]]

    def checks(self, text: str, part: str, by: Judging) -> tuple[Check, ...]:
        return self.judge(self.read(text), part, by)


def _with_gpu[T](judge: Callable[[T, GpuThresholds, int], tuple[Check, ...]]) -> Callable[..., tuple[Check, ...]]:
    """A judge that needs the model's thresholds: without them its record is an error, not a pass."""

    def judged(record: T, part: str, by: Judging) -> tuple[Check, ...]:
        if by.gpu is None:
            return (error("gpu.thresholds", part, f"no thresholds are known for GPU model {by.sku.gpu_model!r}"),)
        return judge(record, by.gpu, by.sku.gpu_count)

    return judged


def _nccl(run: NcclTests, gpu: GpuThresholds, gpus: int) -> tuple[Check, ...]:
    return judge_nccl("nccl.node", run, gpu.nccl_all_reduce_gbs, gpus)


_OUTPUTS: dict[str, _Output[Any]] = {
    "chronyc": _Output(read_chrony, lambda r, _part, by: judge_clock(r, by.common)),
    "dcgm-diag": _Output(
        read_dcgm_diag, lambda r, _part, by: judge_dcgm(r, _DCGM_LEVELS.get(by.level, 4), by.sku.gpu_count)
    ),
    "edac": _Output(read_edac, lambda r, _part, _by: judge_edac(r)),
    "gpu-burn": _Output(read_gpu_burn, lambda r, _part, by: judge_gpu_burn(r, by.sku.gpu_count)),
    "lustre-health": _Output(read_lustre_health, lambda r, _part, _by: judge_lustre(r)),
    "mmgetstate": _Output(read_scale_state, lambda r, _part, _by: judge_scale(r)),
    "nccl-tests": _Output(read_nccl_tests, _with_gpu(_nccl)),
    "nvbandwidth": _Output(read_nvbandwidth, _with_gpu(judge_nvbandwidth)),
    "nvlink-status": _Output(read_nvlink_state, _with_gpu(judge_nvlink)),
    "nvme-smart-log": _Output(read_nvme_smart, lambda r, part, by: judge_nvme(part, r, by.common)),
    "perftest": _Output(
        read_perftest, lambda r, part, by: judge_perftest(part, r, by.sku.infiniband_rate_gbps, by.common)
    ),
    "xid": _Output(read_xids, lambda r, _part, by: judge_xids(r, by.xids)),
}

JUDGED_KINDS = tuple(_OUTPUTS)
"""The kinds that this table judges."""


def required_outputs(by: Judging) -> tuple[str, ...]:
    """What a node with GPUs must have brought at its level; more may be brought, and is judged too."""
    if by.gpu is None or by.sku.gpu_count == 0:
        return ()
    nvlink = ("nvlink-status",) if by.gpu.nvlink_links is not None else ()
    return ("xid", *nvlink, *(() if by.level == "gate" else ("dcgm-diag", "nvbandwidth")))


def judge_output(name: str, text: str, by: Judging) -> tuple[Check, ...]:
    """One output by its name, ``KIND`` or ``KIND PART``; an unreadable one is an error, and hides nothing of the others.

    Raises:
        KeyError: no such kind is in the table.
    """
    kind, _, part = name.partition(" ")
    try:
        return _OUTPUTS[kind].checks(text, part, by)
    except Unreadable as unreadable:
        return (error(f"output.{kind}", part, str(unreadable)),)
