"""GPUs: the right ones, all of them, and healthy by the driver's own account.

What the PCI bus shows is the witness against the driver: a GPU that fell off, or that the driver never claimed, is seen.
"""

from burn_in.judges.verdicts import at_least, equal
from burn_in.readers.nvidia_smi import Gpu, NvidiaSmi
from burn_in.readers.pci import PciBus
from burn_in.thresholds.load import Fabric, GpuThresholds
from workflows.model.profile import Sku
from workflows.model.verdict import Action, Check, Verdict


def judge_no_gpus(sku: Sku, bus: PciBus, smi: NvidiaSmi | None) -> tuple[Check, ...]:
    """For a sku that has none: neither the bus nor the driver may show one. ``smi`` is None where there is no driver."""
    seen = len(bus.nvidia_gpus) + (max(smi.attached, len(smi.gpus)) if smi else 0)
    verdict = Verdict.PASS if seen == 0 else Verdict.FAIL
    message = f"sku {sku.name} expects none, the PCI bus shows none" if seen == 0 else f"sku {sku.name} expects none"
    action = Action.NONE if seen == 0 else Action.CORRECT
    return (
        Check(
            id="gpu.none",
            verdict=verdict,
            measured=f"{len(bus.nvidia_gpus)} of {len(bus.devices)} PCI devices are NVIDIA GPUs",
            expected="0 GPUs",
            source=f"sku {sku.name}",
            message=message,
            action=action,
        ),
    )


def judge_gpus(sku: Sku, thresholds: GpuThresholds | None, bus: PciBus, smi: NvidiaSmi) -> tuple[Check, ...]:
    """Count on the bus and in the driver, then each GPU. ``thresholds`` is None for a model that nobody knows."""
    if thresholds is None:
        return (
            Check(
                id="gpu.model",
                verdict=Verdict.UNKNOWN,
                measured=", ".join(sorted({g.product or "unnamed" for g in smi.gpus})) or "none",
                expected=sku.gpu_model or "",
                message=f"no thresholds are known for GPU model {sku.gpu_model!r}, so nothing can be accepted",
                action=Action.CORRECT,
                advice="add a thresholds file for the model",
            ),
        )
    if sku.gpu_count <= 0:
        return (
            Check(
                id="gpu.sku",
                verdict=Verdict.FAIL,
                expected="a count",
                message=f"sku {sku.name} names model {sku.gpu_model!r} and no count",
                action=Action.CORRECT,
            ),
        )
    counts = (
        equal("gpu.count.bus", "", len(bus.nvidia_gpus), sku.gpu_count, f"sku {sku.name}", Action.SERVICE),
        equal("gpu.count.driver", "", smi.attached, sku.gpu_count, f"sku {sku.name}", Action.SERVICE),
        equal("gpu.count.listed", "", len(smi.gpus), sku.gpu_count, f"sku {sku.name}", Action.SERVICE),
        equal(
            "gpu.count.distinct",
            "",
            len({g.uuid for g in smi.gpus if g.uuid}),
            sku.gpu_count,
            f"sku {sku.name}",
            Action.SERVICE,
        ),
    )
    return counts + tuple(check for gpu in smi.gpus for check in _gpu(gpu, thresholds))


def _gpu(gpu: Gpu, wanted: GpuThresholds) -> tuple[Check, ...]:
    who = gpu.uuid or gpu.pci_address
    file = f"thresholds of {wanted.model}"
    checks = [
        equal("gpu.model", who, gpu.product, wanted.product, file, Action.SERVICE),
        equal("gpu.device", who, gpu.pci_device_id, wanted.pci_device_id, file, Action.SERVICE),
        equal(
            "gpu.memory", who, gpu.memory_mib, wanted.memory_mib.value, wanted.memory_mib.source, Action.SERVICE, "MiB"
        ),
        at_least("gpu.link.generation", who, gpu.max_link_gen, wanted.link_gen, Action.SERVICE),
        at_least("gpu.link.width", who, gpu.max_link_width, wanted.link_width, Action.SERVICE),
        at_least("gpu.power.limit", who, gpu.power_limit_w, wanted.power_limit_w, Action.RECONFIGURE, "W"),
        equal("gpu.ecc.mode", who, gpu.ecc_mode, "Enabled", "NVIDIA health validation", Action.RECONFIGURE),
        equal("gpu.ecc.uncorrectable", who, gpu.volatile_uncorrectable, 0, "azurehpc-health-checks", Action.SERVICE),
        equal("gpu.ecc.sram_threshold", who, gpu.sram_threshold_exceeded, "No", "stas00/ml-engineering", Action.RMA),
        equal("gpu.remap.failure", who, gpu.remap_failure, "No", "NVIDIA row remapping guide", Action.RMA),
        equal("gpu.remap.pending", who, gpu.remap_pending, "No", "NVIDIA row remapping guide", Action.RESET_GPU),
        equal("gpu.persistence", who, gpu.persistence_mode, "Enabled", "DCGM error 29", Action.RECONFIGURE),
        equal("gpu.recovery", who, gpu.recovery_action, "None", "XID 154", Action.RESET_GPU),
        equal(
            "gpu.throttle",
            who,
            None if gpu.throttles is None else ", ".join(gpu.throttles) or "none",
            "none",
            "azurehpc-health-checks",
            Action.SERVICE,
        ),
    ]
    if wanted.fabric is not Fabric.NONE:
        checks.append(equal("gpu.fabric.state", who, gpu.fabric_state, "Completed", file, Action.RECONFIGURE))
        checks.append(equal("gpu.fabric.status", who, gpu.fabric_status, "Success", file, Action.RECONFIGURE))
    return tuple(checks)
