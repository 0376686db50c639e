"""``nvidia-smi -q -x``, drivers 525 to 595. Source: recorded outputs of A100, B200, GB200, H100 and T4 nodes; NVIDIA's DTD.

A value that the driver does not give (``N/A``, ``[Not Supported]``, ``Requested functionality has been deprecated``, a
missing element) is None here. What None means is the judge's business; it is never 0 and never a pass. What the driver
says *instead* of a value where a GPU is gone (``GPU is lost``, ``ERR!``) is kept in ``troubles``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_NUMBER = re.compile(r"^(-?\d+(?:\.\d+)?) ?(?:MiB|W|C|us|x|%|MHz)?$")
_THROTTLES = ("hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "sw_thermal_slowdown")
_THROTTLE_COUNTERS = ("hw_therm_slowdown", "hw_power_brake", "sw_therm_slowdown", "sw_power_cap")
_ROOT = "nvidia_smi_log"
_TROUBLE = re.compile(
    r"^\[?(GPU is lost|GPU requires reset|Unknown Error|ERR!|Reset Required|Insufficient Resources)\]?$",
    re.IGNORECASE,
)


_ABSENT = (
    "",
    "N/A",
    "[N/A]",
    "Not Supported",
    "[Not Supported]",
    "Insufficient Permissions",
    "[Insufficient Permissions]",
)
_POWER = ("gpu_power_readings", "power_readings")
_DRAWS = (
    "gpu_power_readings/instant_power_draw",
    "gpu_power_readings/average_power_draw",
    "gpu_power_readings/power_draw",
    "power_readings/power_draw",
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. Memory in MiB, power in watts, temperature in °C, clocks in MHz; names in ``throttles`` are active now.

    ``volatile_`` counts since the driver was loaded, ``aggregate_`` over the GPU's life. ``throttle_us``: microseconds
    since the driver was loaded by reason; deltas over a load tell. ``tlimit_c``: degrees left until the GPU slows down.
    ``fabric_health``: what the driver says of the NVLink fabric, by name. ``troubles``: words that a sick GPU shows.
    """

    pci_address: str
    uuid: str | None
    serial: str | None
    product: str | None
    pci_device_id: str | None
    vbios: str | None
    inforom: str | None
    memory_mib: float | None
    current_link_gen: float | None
    max_link_gen: float | None
    current_link_width: float | None
    max_link_width: float | None
    replay_counter: float | None
    power_draw_w: float | None
    power_limit_w: float | None
    default_power_limit_w: float | None
    max_power_limit_w: float | None
    temperature_c: float | None
    memory_temperature_c: float | None
    tlimit_c: float | None
    sm_clock_mhz: float | None
    max_sm_clock_mhz: float | None
    ecc_mode: str | None
    volatile_correctable: float | None
    volatile_uncorrectable: float | None
    aggregate_uncorrectable: float | None
    sram_aggregate_uncorrectable: float | None
    sram_threshold_exceeded: str | None
    remap_correctable: float | None
    remap_uncorrectable: float | None
    remap_pending: str | None
    remap_failure: str | None
    retired_pages_pending: str | None
    persistence_mode: str | None
    mig_mode: str | None
    recovery_action: str | None
    fabric_state: str | None
    fabric_status: str | None
    fabric_clique: str | None
    fabric_cluster: str | None
    fabric_health: Mapping[str, str]
    throttles: tuple[str, ...] | None
    throttle_us: Mapping[str, float]
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NvidiaSmi:
    """The whole log. ``attached`` is the count that the driver states itself; ``remarks`` stood before and after the XML."""

    driver: str
    cuda: str | None
    attached: int
    gpus: tuple[Gpu, ...]
    remarks: tuple[str, ...]


def read_nvidia_smi(text: str) -> NvidiaSmi:
    """The driver's own account of all GPUs.

    Raises:
        Unreadable: no such XML, half of it, or it lacks what every version has.
    """
    xml, remarks = _document("\n".join(plain_lines(text)))
    if "<!ENTITY" in xml:
        raise Unreadable("the XML declares entities, which nvidia-smi never does")
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - no entities, external ones are never loaded, size is bounded
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"not the XML of nvidia-smi -q -x: {error}") from None
    driver, attached = _text(root, "driver_version"), _number(root, "attached_gpus")
    if root.tag != _ROOT or driver is None or attached is None:
        raise Unreadable("the XML lacks driver_version or attached_gpus")
    gpus = tuple(_gpu(element) for element in root.findall("gpu"))
    if len({g.pci_address for g in gpus}) != len(gpus):
        raise Unreadable("the XML lists a GPU twice")
    return NvidiaSmi(driver, _text(root, "cuda_version"), int(attached), gpus, remarks)


def _document(text: str) -> tuple[str, tuple[str, ...]]:
    """The XML, and the lines around it: nvidia-smi writes warnings (a corrupt InfoROM) after it, shells write before it."""
    starts = [at for at in (text.find("<?xml"), text.find("<!DOCTYPE"), text.find(f"<{_ROOT}")) if at >= 0]
    close = f"</{_ROOT}>"
    if not starts or close not in text:
        raise Unreadable(f"not the XML of nvidia-smi -q -x, or only a part of it: {shown(text) or 'no output'}")
    start, end = min(starts), text.rindex(close) + len(close)
    around = (text[:start] + "\n" + text[end:]).splitlines()
    return text[start:end], tuple(line.strip()[:500] for line in around if line.strip())


def _gpu(gpu: ElementTree.Element) -> Gpu:
    address = gpu.get("id")
    if not address:
        raise Unreadable("a GPU has no id")
    link = "pci/pci_gpu_link_info"
    aggregate = gpu.find("ecc_errors/aggregate")
    return Gpu(
        pci_address=address.lower(),
        uuid=_text(gpu, "uuid"),
        serial=_text(gpu, "serial"),
        product=_text(gpu, "product_name"),
        pci_device_id=_text(gpu, "pci/pci_device_id"),
        vbios=_text(gpu, "vbios_version"),
        inforom=_text(gpu, "inforom_version/img_version"),
        memory_mib=_number(gpu, "fb_memory_usage/total"),
        current_link_gen=_number(gpu, f"{link}/pcie_gen/current_link_gen"),
        max_link_gen=_number(gpu, f"{link}/pcie_gen/max_link_gen"),
        current_link_width=_number(gpu, f"{link}/link_widths/current_link_width"),
        max_link_width=_number(gpu, f"{link}/link_widths/max_link_width"),
        replay_counter=_number(gpu, "pci/replay_counter"),
        power_draw_w=_first_number(gpu, *_DRAWS),
        power_limit_w=_first_number(gpu, "gpu_power_readings/current_power_limit", "power_readings/power_limit"),
        default_power_limit_w=_first_number(gpu, *(f"{r}/default_power_limit" for r in _POWER)),
        max_power_limit_w=_first_number(gpu, *(f"{r}/max_power_limit" for r in _POWER)),
        temperature_c=_number(gpu, "temperature/gpu_temp"),
        memory_temperature_c=_number(gpu, "temperature/memory_temp"),
        tlimit_c=_number(gpu, "temperature/gpu_temp_tlimit"),
        sm_clock_mhz=_number(gpu, "clocks/sm_clock"),
        max_sm_clock_mhz=_number(gpu, "max_clocks/sm_clock"),
        ecc_mode=_text(gpu, "ecc_mode/current_ecc"),
        volatile_correctable=_errors(gpu.find("ecc_errors/volatile"), "correctable"),
        volatile_uncorrectable=_errors(gpu.find("ecc_errors/volatile"), "uncorrectable"),
        aggregate_uncorrectable=_errors(aggregate, "uncorrectable"),
        sram_aggregate_uncorrectable=_errors(aggregate, "uncorrectable", memory="sram"),
        sram_threshold_exceeded=_text(gpu, "ecc_errors/aggregate/sram_threshold_exceeded"),
        remap_correctable=_number(gpu, "remapped_rows/remapped_row_corr"),
        remap_uncorrectable=_number(gpu, "remapped_rows/remapped_row_unc"),
        remap_pending=_text(gpu, "remapped_rows/remapped_row_pending"),
        remap_failure=_text(gpu, "remapped_rows/remapped_row_failure"),
        retired_pages_pending=_text(gpu, "retired_pages/pending_retirement"),
        persistence_mode=_text(gpu, "persistence_mode"),
        mig_mode=_text(gpu, "mig_mode/current_mig"),
        recovery_action=_text(gpu, "gpu_recovery_action", none_is_a_value=True),
        fabric_state=_text(gpu, "fabric/state"),
        fabric_status=_text(gpu, "fabric/status"),
        fabric_clique=_text(gpu, "fabric/cliqueId"),
        fabric_cluster=_text(gpu, "fabric/clusterUuid"),
        fabric_health={
            part.tag: value
            for part in gpu.iterfind("fabric/health/*")
            if (value := _text(gpu, f"fabric/health/{part.tag}", none_is_a_value=True)) is not None
        },
        throttles=_throttles(gpu),
        throttle_us={
            name: us
            for name in _THROTTLE_COUNTERS
            if (us := _number(gpu, f"clocks_event_reasons_counters/clocks_event_reasons_counters_{name}")) is not None
        },
        troubles=_troubles(gpu),
    )


def _text(element: ElementTree.Element, path: str, *, none_is_a_value: bool = False) -> str | None:
    value = (element.findtext(path) or "").strip()
    absent = value in _ABSENT or value.startswith("Requested func") or _TROUBLE.match(value) is not None
    return None if absent or (value == "None" and not none_is_a_value) else value


def _number(element: ElementTree.Element, path: str) -> float | None:
    found = _NUMBER.match(_text(element, path) or "")
    return float(found[1]) if found else None


def _first_number(element: ElementTree.Element, *paths: str) -> float | None:
    return next((n for path in paths if (n := _number(element, path)) is not None), None)


def _errors(counters: ElementTree.Element | None, kind: str, memory: str = "") -> float | None:
    """The sum of all counters of a kind. None if there is none, or if one has no number while the others count nothing.

    ``double_bit/total`` and ``single_bit/total`` are how GPUs before Ampere count.
    """
    if counters is None:
        return None
    names = [c.tag for c in counters if re.fullmatch(rf"{memory}\w*?_{kind}(_\w+)?", c.tag)]
    if not names and not memory:
        names = [{"correctable": "single_bit/total", "uncorrectable": "double_bit/total"}[kind]]
    counts = [count for name in names if (count := _number(counters, name)) is not None]
    return sum(counts) if counts and (len(counts) == len(names) or sum(counts) > 0) else None


def _troubles(gpu: ElementTree.Element) -> tuple[str, ...]:
    found = (_TROUBLE.match((e.text or "").strip()) for e in gpu.iter() if len(e) == 0)
    return tuple(sorted({match[1] for match in found if match}))


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
