"""The thresholds that are in force at a site: those that ship, with its own over them."""

from pathlib import Path

from burn_in.thresholds.load import GpuThresholds, load_thresholds, with_overrides


def site_thresholds(overrides: Path | None) -> dict[str, GpuThresholds]:
    """By model.

    Raises:
        BadInput: the site's file is wrong, or gives a value without its reason.
    """
    shipped = load_thresholds()
    return shipped if overrides is None else with_overrides(shipped, overrides)
