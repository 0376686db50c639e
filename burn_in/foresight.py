"""What of a sku makes its burn-in end without a pass, known before anything is installed. Pure."""

from collections.abc import Mapping

from burn_in.thresholds.load import GpuThresholds
from workflows.model.level import TIMES, level_named
from workflows.model.profile import Sku


def unjudgeable(sku: Sku, thresholds: Mapping[str, GpuThresholds]) -> tuple[str, ...]:
    """Sentences that say why no node of this sku can be accepted, and what to do; none where it can be."""
    found = []
    if level_named(sku.burn_in_level) is None:
        found.append(
            f"sku {sku.name}: burn-in level {sku.burn_in_level!r} is not one that this version runs: set burn_in_level "
            f"to {' or '.join(TIMES)}"
        )
    if sku.gpu_model is not None and sku.gpu_model not in thresholds:
        known = ", ".join(sorted(thresholds))
        found.append(
            f"sku {sku.name}: no thresholds are known for GPU model {sku.gpu_model!r}, so its burn-in accepts nothing: "
            f"correct gpu_model (known: {known}), or add a thresholds file"
        )
    if sku.gpu_model is not None and sku.gpu_count <= 0:
        found.append(f"sku {sku.name}: it names a GPU model and no gpu_count: say how many")
    if sku.gpu_model is None and sku.gpu_count > 0:
        found.append(f"sku {sku.name}: it has {sku.gpu_count} GPUs and names no gpu_model: say which")
    return tuple(found)
