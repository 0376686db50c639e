"""``nvme smart-log -o json`` of nvme-cli 1 and 2. Source: NVM Express base specification; nvme-print-json.c."""

from dataclasses import dataclass

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.unreadable import Unreadable

_KELVIN = 273


@dataclass(frozen=True, slots=True)
class NvmeSmart:
    """The health of one drive. Percentages as the drive gives them; ``critical_warning``: the specification's bit field."""

    critical_warning: int
    temperature_c: int
    available_spare: int
    spare_threshold: int
    percent_used: int
    media_errors: int
    error_log_entries: int
    power_on_hours: int | None
    unsafe_shutdowns: int | None


def read_nvme_smart(text: str) -> NvmeSmart:
    """One drive's log.

    Raises:
        Unreadable: no such JSON, half of it, or a value is missing.
    """
    log = one_object(text, "nvme smart-log")
    return NvmeSmart(
        critical_warning=_warning(log),
        temperature_c=_count(log, "temperature") - _KELVIN,
        available_spare=_count(log, "avail_spare"),
        spare_threshold=_count(log, "spare_thresh"),
        percent_used=_count(log, "percent_used" if "percent_used" in log.values else "percentage_used"),
        media_errors=_count(log, "media_errors"),
        error_log_entries=_count(log, "num_err_log_entries"),
        power_on_hours=_maybe(log, "power_on_hours"),
        unsafe_shutdowns=_maybe(log, "unsafe_shutdowns"),
    )


def _warning(log: JsonObject) -> int:
    """An object with its bits by name where nvme-cli is asked for more words."""
    if isinstance(log.values.get("critical_warning"), dict):
        return log.child("critical_warning").whole("value")
    return _count(log, "critical_warning")


def _count(log: JsonObject, name: str) -> int:
    """A counter of 128 bits: newer versions write it as text."""
    value = log.values.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 39:
        return int(value)
    found = log.whole(name)
    if found < 0:
        raise Unreadable(f"nvme smart-log: {name} is negative")
    return found


def _maybe(log: JsonObject, name: str) -> int | None:
    return None if log.values.get(name) is None else _count(log, name)
