"""The thresholds that ship with bringup, one file a GPU model, and a site's own values over them."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from burn_in.thresholds.threshold import Override, Threshold, parse, read_yaml
from workflows.model.errors import BadInput
from workflows.model.record import Record

_SHIPPED = Path(__file__).parent / "gpus"


class Fabric(StrEnum):
    """What joins the GPUs: nothing that is managed, NVSwitches in the node, or those of the whole rack."""

    NONE = "none"
    NODE = "node"
    RACK = "rack"


class GpuThresholds(Record):
    """What a GPU model must show. A limit that is None has no published value: what needs it is UNKNOWN.

    Bandwidths in GB/s (10⁹ bytes), NVLink a link and direction; memory in MiB; power in watts; GEMM dense BF16 in TFLOPS.
    ``mig``: whether the model can be partitioned, and so must say that it is not;
    ``tlimit``: whether its driver tells the distance to the slow-down, and degrees alone say nothing;
    ``fabric_told``: whether its driver tells the fabric's state, as it does from Hopper on.
    """

    model: str
    title: str
    product: str
    pci_device_id: str
    fabric: Fabric
    mig: bool = True
    tlimit: bool = True
    fabric_told: bool = True
    memory_mib: Threshold
    link_gen: Threshold
    link_width: Threshold
    power_limit_w: Threshold
    nvlink_links: Threshold | None = None
    nvlink_link_gbs: Threshold | None = None
    host_to_device_gbs: Threshold | None = None
    device_to_host_gbs: Threshold | None = None
    peer_gbs: Threshold | None = None
    hbm_gbs: Threshold | None = None
    gemm_bf16_tflops: Threshold | None = None
    nccl_all_reduce_gbs: Threshold | None = None
    nccl_pair_gbs: Threshold | None = None

    @property
    def overridden(self) -> tuple[str, ...]:
        """A sentence for each value that a site set itself."""
        limits = ((name, getattr(self, name)) for name in LIMITS)
        return tuple(
            f"{self.model}: {name} is {t.value:g} by {t.cited}, {t.date}"
            for name, t in limits
            if t is not None and t.reason
        )


LIMITS = tuple(n for n, f in GpuThresholds.model_fields.items() if f.annotation in (Threshold, Threshold | None))
"""The names of all limits that a model can have."""


def load_thresholds(directory: Path = _SHIPPED) -> dict[str, GpuThresholds]:
    """All models of a directory, by the model's name as a sku's ``gpu_model`` gives it.

    Raises:
        BadInput: a file is wrong, or two are of one model; the message names file and field.
    """
    found: dict[str, GpuThresholds] = {}
    for path in sorted(directory.glob("*.yaml")):
        thresholds = parse(GpuThresholds, read_yaml(path), path.name)
        if thresholds.model in found:
            raise BadInput(f"{path.name}: model {thresholds.model!r} has a file already")
        found[thresholds.model] = thresholds
    return found


def with_overrides(shipped: Mapping[str, GpuThresholds], path: Path) -> dict[str, GpuThresholds]:
    """The shipped thresholds with a site's own values in their places.

    The file maps a model to its limits, each with ``value``, ``reason`` and ``date``::

        h100-sxm:
          nccl_all_reduce_gbs: {value: 440, reason: "PCIe switch firmware 4.2, vendor case 1234", date: 2026-11-01}

    Raises:
        BadInput: an unknown model or limit, or one without its reason.
    """
    models = dict(shipped)
    for model, limits in read_yaml(path).items():
        if model not in models:
            raise BadInput(f"{path.name}: no thresholds ship for model {model!r} (known: {', '.join(sorted(models))})")
        if not isinstance(limits, dict):
            raise BadInput(f"{path.name}: {model}: not a mapping of limits")
        changed: dict[str, Threshold] = {}
        for name, raw in limits.items():
            if name not in LIMITS:
                raise BadInput(f"{path.name}: {model}: there is no limit {name!r}")
            if not isinstance(raw, dict):
                raise BadInput(f"{path.name}: {model}: {name}: needs value, reason and date")
            override = parse(Override, raw, f"{path.name}: {model}: {name}")
            changed[name] = override.applied(getattr(models[model], name))
        models[model] = models[model].model_copy(update=changed)
    return models
