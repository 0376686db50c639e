"""GPUs at work: NVIDIA's diagnostic, bandwidths, a collective over all of them, and heat, longer at each level.

The look in the midst of the heat is the one that counts for links and throttling: an idle GPU down-trains its link.
"""

from __future__ import annotations

from collections.abc import Iterator

from burn_in.probes.commands import run
from burn_in.probes.meanwhile import meanwhile

_SMI = ["nvidia-smi", "-q", "-x"]
_BANDWIDTHS = ("host_to_device_memcpy_ce", "device_to_host_memcpy_ce", "device_to_device_memcpy_read_ce")
_DIAGNOSTIC = {"quick": ("2", 900.0), "standard": ("3", 3600.0)}
"""DCGM's level and its deadline in seconds. Level 2 takes up to 10.5 minutes on 8 GPUs, level 3 some 15 to 30."""

_HEAT = {"quick": 60, "standard": 900}
"""Seconds of gpu_burn. SuperBench takes 900 for a node that shall be trusted."""


def load(level: str, gpus: int) -> Iterator[dict[str, object]]:
    """The loads of a level on so many GPUs, one after the other; the gate has none."""
    if level not in _DIAGNOSTIC:
        return
    diagnostic, seconds = _DIAGNOSTIC[level]
    yield run("dcgm-diag", ["dcgmi", "diag", "-r", diagnostic, "-j"], seconds)
    yield run("nvbandwidth", ["nvbandwidth", "-j", "-i", "10", "-t", *_BANDWIDTHS], 600)
    collective = ["all_reduce_perf", "-b", "16G", "-e", "16G", "-f", "2", "-g", str(gpus)]
    yield run("nccl-tests", collective, 600)
    heat = _HEAT[level]
    with meanwhile("nvidia-smi during", _SMI, heat * 0.6, 60) as during:
        yield run("gpu-burn", ["gpu_burn", str(heat)], heat + 120)
        yield during()
    yield run("nvidia-smi after", _SMI, 60)
