"""Limits that hang on no GPU model, from their data file."""

from pathlib import Path

from burn_in.thresholds.threshold import Threshold, parse, read_yaml
from workflows.model.record import Record

_SHIPPED = Path(__file__).parent / "common.yaml"


class CommonThresholds(Record):
    """Temperatures in °C, latencies in microseconds, rates of counters an hour."""

    gpu_temperature_c: Threshold
    gpu_warm_c: Threshold
    tlimit_margin_c: Threshold
    sram_uncorrectable: Threshold
    pcie_replays_per_hour: Threshold
    symbol_errors_per_hour: Threshold
    link_recoveries_per_hour: Threshold
    receive_errors_per_hour: Threshold
    discards_per_hour: Threshold
    no_errors: Threshold
    rdma_share: Threshold
    rdma_write_latency_us: Threshold
    rdma_read_latency_us: Threshold
    clock_offset_s: Threshold
    nvme_used_percent: Threshold
    nvme_media_errors: Threshold


def load_common(path: Path = _SHIPPED) -> CommonThresholds:
    """The limits of a file.

    Raises:
        BadInput: one is missing, or lacks its source; the message names it.
    """
    return parse(CommonThresholds, read_yaml(path), path.name)
