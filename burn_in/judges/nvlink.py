"""NVLink: as many links as the model has, each at its speed, on every GPU; and no errors that grew under load."""

from collections.abc import Sequence

from burn_in.judges.verdicts import Want, at_least, equal, judged, no_limit
from burn_in.readers.nvlink import NvLink, NvLinkErrors, NvLinkGpu
from burn_in.thresholds.load import GpuThresholds
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check, Verdict


def judge_nvlink(state: Sequence[NvLinkGpu[NvLink]], wanted: GpuThresholds, gpus: int) -> tuple[Check, ...]:
    """``nvidia-smi nvlink -s`` of a node with so many GPUs."""
    checks = [equal("nvlink.gpus", "", len({g.uuid for g in state}), gpus, "the sku", Action.SERVICE)]
    for gpu in state:
        up = [link for link in gpu.links if link.gbytes_per_s is not None]
        down = ", ".join(str(link.number) for link in gpu.links if link.gbytes_per_s is None)
        remarks = "; ".join(gpu.remarks)
        if wanted.nvlink_links is None:
            checks.append(no_limit("nvlink.links", gpu.uuid, len(up)))
        else:
            want = Want(
                f"{wanted.nvlink_links.value:g} links up",
                wanted.nvlink_links.cited,
                Action.SERVICE,
                advice=f"not up: {down}" if down else remarks,
            )
            checks.append(judged("nvlink.links", gpu.uuid, len(up), len(up) == wanted.nvlink_links.value, want))
        slowest = min((link.gbytes_per_s for link in up if link.gbytes_per_s is not None), default=None)
        checks.append(at_least("nvlink.speed", gpu.uuid, slowest, wanted.nvlink_link_gbs, Action.SERVICE, "GB/s"))
    return tuple(checks)


def judge_nvlink_errors(
    before: Sequence[NvLinkGpu[NvLinkErrors]], after: Sequence[NvLinkGpu[NvLinkErrors]], none: Threshold
) -> tuple[Check, ...]:
    """``nvidia-smi nvlink -e`` before and after a load: one check a GPU, with the counters that grew."""
    old = {(g.uuid, link.number, name): v for g in before for link in g.links for name, v in link.counters.items()}
    return tuple(_grew(gpu, old, none) for gpu in after)


def _grew(gpu: NvLinkGpu[NvLinkErrors], old: dict[tuple[str, int, str], float | None], none: Threshold) -> Check:
    total: float | None = 0.0 if any(link.counters for link in gpu.links) else None
    grown = []
    for link in gpu.links:
        for name, value in link.counters.items():
            earlier = old.get((gpu.uuid, link.number, name))
            if value is None or earlier is None or value < earlier:
                total = None  # a counter that is gone, or began anew, tells nothing
            elif value > earlier:
                grown.append(f"link {link.number} {name} +{value - earlier:g}")
                total = None if total is None else total + value - earlier
    want = Want("no new errors", none.cited, Action.SERVICE, advice=", ".join(grown)[:300])
    found = judged("nvlink.errors", gpu.uuid, total, total == 0, want)
    if found.verdict is Verdict.UNKNOWN and grown:
        return found.model_copy(update={"verdict": Verdict.FAIL, "message": ", ".join(grown)[:300]})
    return found
