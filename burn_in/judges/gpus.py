"""GPUs: the right ones, all of them, and healthy by the driver's own account.

What the PCI bus shows is the witness against the driver: a GPU that fell off, or that the driver never claimed, is seen.
"""

from burn_in.readers.nvidia_smi import Gpu, NvidiaSmi
from burn_in.readers.pci import PciBus
from burn_in.thresholds.load import GpuThresholds, Threshold
from workflows.model.profile import Sku
from workflows.model.verdict import Check, Verdict


def judge_no_gpus(sku: Sku, bus: PciBus, smi: NvidiaSmi | None) -> tuple[Check, ...]:
    """For a sku that has none: neither the bus nor the driver may show one. ``smi`` is None where there is no driver."""
    seen = len(bus.nvidia_gpus) + (max(smi.attached, len(smi.gpus)) if smi else 0)
    verdict = Verdict.PASS if seen == 0 else Verdict.FAIL
    message = f"sku {sku.name} expects none, the PCI bus shows none" if seen == 0 else f"sku {sku.name} expects none"
    action = "none" if seen == 0 else "correct the sku in the inventory"
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
                action="add a thresholds file for the model",
            ),
        )
    if sku.gpu_count <= 0:
        return (
            Check(
                id="gpu.sku",
                verdict=Verdict.FAIL,
                expected="a count",
                message=f"sku {sku.name} names model {sku.gpu_model!r} and no count",
                action="correct the sku",
            ),
        )
    counts = (
        _equal("gpu.count.bus", "", len(bus.nvidia_gpus), sku.gpu_count, f"sku {sku.name}", "service"),
        _equal("gpu.count.driver", "", smi.attached, sku.gpu_count, f"sku {sku.name}", "service"),
        _equal("gpu.count.listed", "", len(smi.gpus), sku.gpu_count, f"sku {sku.name}", "service"),
        _equal(
            "gpu.count.distinct",
            "",
            len({g.uuid for g in smi.gpus if g.uuid}),
            sku.gpu_count,
            f"sku {sku.name}",
            "service",
        ),
    )
    return counts + tuple(check for gpu in smi.gpus for check in _gpu(gpu, thresholds))


def _gpu(gpu: Gpu, wanted: GpuThresholds) -> tuple[Check, ...]:
    who = gpu.uuid or gpu.pci_address
    file = f"thresholds of {wanted.model}"
    checks = [
        _equal("gpu.model", who, gpu.product, wanted.product, file, "service"),
        _equal("gpu.device", who, gpu.pci_device_id, wanted.pci_device_id, file, "service"),
        _equal("gpu.memory", who, gpu.memory_mib, wanted.memory_mib.value, wanted.memory_mib.source, "service", "MiB"),
        _at_least("gpu.link.generation", who, gpu.max_link_gen, wanted.link_gen, "service"),
        _at_least("gpu.link.width", who, gpu.max_link_width, wanted.link_width, "service"),
        _at_least("gpu.power.limit", who, gpu.power_limit_w, wanted.power_limit_w, "reconfigure", "W"),
        _equal("gpu.ecc.mode", who, gpu.ecc_mode, "Enabled", "NVIDIA health validation", "reconfigure"),
        _equal("gpu.ecc.uncorrectable", who, gpu.volatile_uncorrectable, 0, "azurehpc-health-checks", "service"),
        _equal("gpu.ecc.sram_threshold", who, gpu.sram_threshold_exceeded, "No", "stas00/ml-engineering", "RMA"),
        _equal("gpu.remap.failure", who, gpu.remap_failure, "No", "NVIDIA row remapping guide", "RMA"),
        _equal("gpu.remap.pending", who, gpu.remap_pending, "No", "NVIDIA row remapping guide", "reset GPU"),
        _equal("gpu.persistence", who, gpu.persistence_mode, "Enabled", "DCGM error 29", "reconfigure"),
        _equal("gpu.recovery", who, gpu.recovery_action, "None", "XID 154", "reset GPU"),
        _equal(
            "gpu.throttle",
            who,
            None if gpu.throttles is None else ", ".join(gpu.throttles) or "none",
            "none",
            "azurehpc-health-checks",
            "service",
        ),
    ]
    if wanted.fabric:
        checks.append(_equal("gpu.fabric.state", who, gpu.fabric_state, "Completed", file, "reconfigure"))
        checks.append(_equal("gpu.fabric.status", who, gpu.fabric_status, "Success", file, "reconfigure"))
    return tuple(checks)


def _equal(
    check: str, entity: str, measured: str | float | None, wanted: str | float, source: str, action: str, unit: str = ""
) -> Check:
    return _check(check, entity, measured, measured == wanted, _show(wanted, unit), source, action, unit)


def _at_least(check: str, entity: str, measured: float | None, wanted: Threshold, action: str, unit: str = "") -> Check:
    enough = measured is not None and measured >= wanted.value
    return _check(check, entity, measured, enough, f"at least {_show(wanted.value, unit)}", wanted.source, action, unit)


def _check(
    check: str,
    entity: str,
    measured: str | float | None,
    good: bool,
    expected: str,
    source: str,
    action: str,
    unit: str,
) -> Check:
    """The one place where a verdict is given: a value that is missing is UNKNOWN whatever was wanted."""
    if measured is None:
        return Check(
            id=check,
            entity=entity,
            verdict=Verdict.UNKNOWN,
            expected=expected,
            source=source,
            message="the driver gives no value",
            action="service",
        )
    return Check(
        id=check,
        entity=entity,
        verdict=Verdict.PASS if good else Verdict.FAIL,
        measured=_show(measured, unit),
        expected=expected,
        source=source,
        message="" if good else f"is {_show(measured, unit)}, expected {expected}",
        action="none" if good else action,
    )


def _show(value: str | float, unit: str) -> str:
    text = value if isinstance(value, str) else f"{value:g}"
    return f"{text} {unit}".strip()
