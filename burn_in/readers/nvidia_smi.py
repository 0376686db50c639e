"""``nvidia-smi -q -x``, drivers 525 to 580. Source: recorded outputs of A100, B200, GB200, H100 and T4 nodes.

A value that the driver does not give (``N/A``, ``[Not Supported]``, ``Requested functionality has been deprecated``, a
missing element) is None here. What None means is the judge's business; it is never 0 and never a pass.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from burn_in.readers.unreadable import Unreadable

_NUMBER = re.compile(r"^(-?\d+(?:\.\d+)?) ?(?:MiB|W|C|us|x|%|MHz)?$")
_THROTTLES = ("hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "sw_thermal_slowdown")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. Memory in MiB, power in watts; names in ``throttles`` are active now."""

    pci_address: str
    uuid: str | None
    serial: str | None
    product: str | None
    pci_device_id: str | None
    memory_mib: float | None
    max_link_gen: float | None
    max_link_width: float | None
    power_limit_w: float | None
    ecc_mode: str | None
    volatile_uncorrectable: float | None
    sram_threshold_exceeded: str | None
    remap_pending: str | None
    remap_failure: str | None
    persistence_mode: str | None
    recovery_action: str | None
    fabric_state: str | None
    fabric_status: str | None
    throttles: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class NvidiaSmi:
    """The whole log. ``attached`` is the count that the driver states itself."""

    driver: str
    attached: int
    gpus: tuple[Gpu, ...]


def read_nvidia_smi(text: str) -> NvidiaSmi:
    """The driver's own account of all GPUs.

    Raises:
        Unreadable: no such XML, or it lacks what every version has.
    """
    if "<!ENTITY" in text:
        raise Unreadable("the XML declares entities, which nvidia-smi never does")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no entities, external ones are never loaded, size is bounded
    except (ElementTree.ParseError, ValueError) as error:
        raise Unreadable(f"not the XML of nvidia-smi -q -x: {error}") from None
    driver, attached = _text(root, "driver_version"), _number(root, "attached_gpus")
    if root.tag != "nvidia_smi_log" or driver is None or attached is None:
        raise Unreadable("the XML lacks driver_version or attached_gpus")
    return NvidiaSmi(driver, int(attached), tuple(_gpu(element) for element in root.findall("gpu")))


def _gpu(gpu: ElementTree.Element) -> Gpu:
    address = gpu.get("id")
    if not address:
        raise Unreadable("a GPU has no id")
    link = "pci/pci_gpu_link_info"
    return Gpu(
        pci_address=address.lower(),
        uuid=_text(gpu, "uuid"),
        serial=_text(gpu, "serial"),
        product=_text(gpu, "product_name"),
        pci_device_id=_text(gpu, "pci/pci_device_id"),
        memory_mib=_number(gpu, "fb_memory_usage/total"),
        max_link_gen=_number(gpu, f"{link}/pcie_gen/max_link_gen"),
        max_link_width=_number(gpu, f"{link}/link_widths/max_link_width"),
        power_limit_w=_first_number(gpu, "gpu_power_readings/current_power_limit", "power_readings/power_limit"),
        ecc_mode=_text(gpu, "ecc_mode/current_ecc"),
        volatile_uncorrectable=_uncorrectable(gpu.find("ecc_errors/volatile")),
        sram_threshold_exceeded=_text(gpu, "ecc_errors/aggregate/sram_threshold_exceeded"),
        remap_pending=_text(gpu, "remapped_rows/remapped_row_pending"),
        remap_failure=_text(gpu, "remapped_rows/remapped_row_failure"),
        persistence_mode=_text(gpu, "persistence_mode"),
        recovery_action=_text(gpu, "gpu_recovery_action", none_is_a_value=True),
        fabric_state=_text(gpu, "fabric/state"),
        fabric_status=_text(gpu, "fabric/status"),
        throttles=_throttles(gpu),
    )


def _text(element: ElementTree.Element, path: str, *, none_is_a_value: bool = False) -> str | None:
    value = (element.findtext(path) or "").strip()
    absent = value in ("", "N/A", "[N/A]", "[Not Supported]", "Unknown Error") or value.startswith("Requested func")
    return None if absent or (value == "None" and not none_is_a_value) else value


def _number(element: ElementTree.Element, path: str) -> float | None:
    found = _NUMBER.match(_text(element, path) or "")
    return float(found[1]) if found else None


def _first_number(element: ElementTree.Element, *paths: str) -> float | None:
    return next((n for path in paths if (n := _number(element, path)) is not None), None)


def _uncorrectable(volatile: ElementTree.Element | None) -> float | None:
    """The sum of all uncorrectable counters; None if there is none or one of them has no number."""
    if volatile is None:
        return None
    names = [counter.tag for counter in volatile if "uncorrectable" in counter.tag]
    counts = [count for name in names if (count := _number(volatile, name)) is not None]
    return sum(counts) if counts and len(counts) == len(names) else None


def _throttles(gpu: ElementTree.Element) -> tuple[str, ...] | None:
    """Active reasons that name a fault; None where one of them is not given. Renamed in driver 535.54.03."""
    for name in ("event", "throttle"):
        reasons = gpu.find(f"clocks_{name}_reasons")
        if reasons is not None:
            values = {t: _text(reasons, f"clocks_{name}_reason_{t}") for t in _THROTTLES}
            if any(v not in ("Active", "Not Active") for v in values.values()):
                return None
            return tuple(t for t, v in values.items() if v == "Active")
    return None
