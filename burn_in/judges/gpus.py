"""GPUs: the right ones, all of them, and healthy by the driver's own account.

What the PCI bus shows is the witness against the driver: a GPU that fell off, or that the driver never claimed, is seen.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from burn_in.judges.verdicts import Want, at_least, at_most, equal, judged
from burn_in.readers.nvidia_smi import Gpu, NvidiaSmi
from burn_in.readers.pci import PciBus
from burn_in.thresholds.common import CommonThresholds
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


def judge_gpus(
    sku: Sku, thresholds: GpuThresholds | None, bus: PciBus, smi: NvidiaSmi, common: CommonThresholds
) -> tuple[Check, ...]:
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
    return (
        *counts,
        _same("gpu.vbios", {g.uuid or g.pci_address: g.vbios for g in smi.gpus}),
        _same("gpu.inforom", {g.uuid or g.pci_address: g.inforom for g in smi.gpus}),
        *(_rack(smi.gpus) if thresholds.fabric is Fabric.RACK else ()),
        *(check for gpu in smi.gpus for check in _gpu(gpu, thresholds, common)),
    )


def _same(check: str, versions: Mapping[str, str | None]) -> Check:
    """Firmware that must be equal on all GPUs of a node; one without it is unknown, not equal."""
    if not versions or None in versions.values():
        return equal(check, "", None, "the same on all GPUs", "imbue-ai/cluster-health", Action.SERVICE)
    kinds = Counter(versions.values())
    odd = [f"{who}: {version}" for who, version in versions.items() if version != kinds.most_common(1)[0][0]]
    want = Want("the same on all GPUs", "imbue-ai/cluster-health", Action.SERVICE, advice=", ".join(odd)[:300])
    return judged(check, "", ", ".join(sorted(str(k) for k in kinds)), len(kinds) == 1, want)


def _rack(gpus: Sequence[Gpu]) -> tuple[Check, ...]:
    """All GPUs of a tray stand in one NVLink cluster and clique of their rack; zeros are no cluster."""
    checks = []
    for check, values in (
        ("gpu.fabric.cluster", [g.fabric_cluster for g in gpus]),
        ("gpu.fabric.clique", [g.fabric_clique for g in gpus]),
    ):
        found = None if not values or None in values else ", ".join(sorted({str(v) for v in values}))
        one = len(set(values)) == 1 and (check == "gpu.fabric.clique" or bool(set(str(found)) - set("0-")))
        want = Want("one for all GPUs of the rack", "NVIDIA GB200 NVL72 fabric", Action.RECONFIGURE)
        checks.append(judged(check, "", found, one, want))
    return tuple(checks)


def _gpu(gpu: Gpu, wanted: GpuThresholds, common: CommonThresholds) -> tuple[Check, ...]:
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
        at_most("gpu.ecc.sram", who, gpu.sram_aggregate_uncorrectable, common.sram_uncorrectable, Action.RMA, "errors"),
        equal("gpu.ecc.sram_threshold", who, gpu.sram_threshold_exceeded, "No", "stas00/ml-engineering", Action.RMA),
        equal("gpu.remap.failure", who, gpu.remap_failure, "No", "NVIDIA row remapping guide", Action.RMA),
        equal("gpu.remap.pending", who, gpu.remap_pending, "No", "NVIDIA row remapping guide", Action.RESET_GPU),
        equal("gpu.persistence", who, gpu.persistence_mode, "Enabled", "DCGM error 29", Action.RECONFIGURE),
        _recovery(who, gpu.recovery_action),
        equal(
            "gpu.throttle",
            who,
            None if gpu.throttles is None else ", ".join(gpu.throttles) or "none",
            "none",
            "azurehpc-health-checks",
            Action.SERVICE,
        ),
    ]
    if wanted.fabric is not Fabric.NONE and wanted.fabric_told:
        checks.append(equal("gpu.fabric.state", who, gpu.fabric_state, "Completed", file, Action.RECONFIGURE))
        checks.append(equal("gpu.fabric.status", who, gpu.fabric_status, "Success", file, Action.RECONFIGURE))
        checks += [_fabric_health(who, name, value) for name, value in gpu.fabric_health.items()]
    if wanted.mig:
        checks.append(equal("gpu.mig", who, gpu.mig_mode, "Disabled", "DCGM: MIG must be off", Action.RECONFIGURE))
    words = ", ".join(gpu.troubles) or "none"
    want = Want("none", "what nvidia-smi writes in the place of a value", Action.REBOOT)
    checks.append(judged("gpu.trouble", who, words, not gpu.troubles, want))
    return (*checks, _temperature(who, gpu, wanted, common))


_HEALTHY = ("Healthy", "Full", "False", "None", "Not Active", "N/A")


_RECOVERIES = {"Reboot": Action.REBOOT}


def _recovery(who: str, action: str | None) -> Check:
    """What the driver itself asks for: ``None``, ``Reset``, ``Reboot``, ``Drain P2P`` or ``Drain and Reset``."""
    return equal("gpu.recovery", who, action, "None", "Xid 154", _RECOVERIES.get(action or "", Action.RESET_GPU))


def _fabric_health(who: str, name: str, value: str) -> Check:
    """What newer drivers say of the NVLink fabric; a word that is not known to be good is none."""
    want = Want("healthy", "nvidia-smi, fabric health", Action.SERVICE)
    return judged(f"gpu.fabric.{name}", who, value, value in _HEALTHY, want)


def _temperature(who: str, gpu: Gpu, wanted: GpuThresholds, common: CommonThresholds) -> Check:
    """The distance to the slow-down where the model has it: from Ada on degrees alone say nothing. Else degrees."""
    if wanted.tlimit:
        return at_least("gpu.temperature", who, gpu.tlimit_c, common.tlimit_margin_c, Action.SERVICE, "°C of margin")
    hot = at_most("gpu.temperature", who, gpu.temperature_c, common.gpu_temperature_c, Action.SERVICE, "°C")
    if hot.verdict is not Verdict.PASS:
        return hot
    return at_most("gpu.temperature", who, gpu.temperature_c, common.gpu_warm_c, Action.SERVICE, "°C", Verdict.WARN)
