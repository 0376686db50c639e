"""A whole output of every kind that can be read: recorded ones, and synthetic ones where nobody has recorded any.

The synthetic ones follow the tools' own documentation and source; what each of them follows stands in its reader.
"""

import json
from pathlib import Path

_RECORDED = {
    "dcgm-diag": "dcgm/gb10-level2-plugins-allowed.json",
    "fabric-manager-log": "fm/fabricmanager.log",
    "gpu-burn": "gpu-burn/gpu_burn.log",
    "iblinkinfo": "ib-sim/iblinkinfo-slow.txt",
    "ibnetdiscover": "ib-sim/ibnetdiscover-ok.txt",
    "ibqueryerrors": "ib-sim/ibqueryerrors-errors.txt",
    "ibstat": "ibstat/ibstat.47.0.h100.all.active.2",
    "ibstatus": "ibstat/ibstatus.39.0.a100.all.active.0",
    "lspci": "nvidia-smi-qx/lspci.nn.a100",
    "nccl-tests": "nccl/nccl_allreduce.log",
    "nvbandwidth": "nvbandwidth/nvbandwidth_results.log",
    "nvidia-smi-xml": "nvidia-smi-qx/qx-t4.xml",
    "nvlink-status": "nvidia-smi-qx/nvidia-smi.nvlink.status.a100",
    "perfquery": "fabric/collectors/fixtures/perfquery/0x7cfe9003009ce5b0.out",
    "perftest": "perftest/ib_loopback_all_sizes.log",
    "saquery-node": "ib-sim/saquery-NR-lid8.txt",
    "sminfo": "ib-sim/sminfo-ok.txt",
    "xid": "xid/dmesg-with-xid-119.log",
}

_FIO_READ = {"bw_bytes": 7e9, "iops": 6675.7, "total_ios": 400541, "runtime": 60001, "clat_ns": {"mean": 4.7e6}}
_NO_IO = {"bw_bytes": 0, "iops": 0.0, "total_ios": 0, "runtime": 0, "clat_ns": {"mean": 0.0}}
_FIO = {"fio version": "fio-3.36", "jobs": [{"jobname": "seq", "error": 0, "read": _FIO_READ, "write": _NO_IO}]}
_NVME = {
    "critical_warning": 0, "temperature": 310, "avail_spare": 100, "spare_thresh": 10, "percent_used": 1,
    "media_errors": 0, "num_err_log_entries": 3, "power_on_hours": "1234", "unsafe_shutdowns": 7,
}  # fmt: skip

SYNTHETIC: dict[str, str] = {
    "chronyc": (
        "Reference ID    : 0A000001 (ntp1.example)\nStratum         : 3\nRef time (UTC)  : Tue Nov 24 10:00:00 2026\n"
        "System time     : 0.000012345 seconds slow of NTP time\nLast offset     : -0.000001000 seconds\n"
        "RMS offset      : 0.000020000 seconds\nFrequency       : 1.234 ppm fast\nLeap status     : Normal\n"
    ),
    "edac": "".join(
        f"/sys/devices/system/edac/mc/mc{c}/{f}\n"
        for c in (0, 1)
        for f in (
            "ce_count:2",
            "ue_count:0",
            "dimm0/dimm_label:P0_A0",
            "dimm0/dimm_ce_count:2",
            "dimm0/dimm_ue_count:0",
        )
    ),
    "fio": "fio: this platform does not support process shared mutexes, forcing use of threads.\n" + json.dumps(_FIO),
    "lscpu": (
        "Architecture:                       x86_64\nCPU(s):                             192\n"
        "On-line CPU(s) list:                0-191\nModel name:                         INTEL(R) XEON(R) PLATINUM 8480C\n"
        "Thread(s) per core:                 2\nCore(s) per socket:                 48\n"
        "Socket(s):                          2\nNUMA node(s):                       2\n"
        "Vulnerability Spectre v2:           Mitigation; Enhanced IBRS\n"
    ),
    "lustre-health": "health_check=healthy\n",
    "meminfo": (
        "MemTotal:       2113440136 kB\nMemFree:        2054131640 kB\nMemAvailable:   2062009124 kB\n"
        "Active(anon):    1234567 kB\nHugePages_Total:       0\nHugepagesize:       2048 kB\nDirectMap1G:    2139095040 kB\n"
    ),
    "mmgetstate": (
        "\n Node number  Node name        GPFS state  \n-------------------------------------------\n"
        "       1      gpu-001          active\n       2      gpu-002          arbitrating\n"
    ),
    "mountinfo": (
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "99 22 0:50 / /data rw,noatime shared:9 - nfs4 10.0.0.1:/data rw,vers=4.2\n"
    ),
    "nvlink-errors": "".join(
        f"GPU {g}: NVIDIA H100 80GB HBM3 (UUID: GPU-{g})\n"
        + "".join(f"\t Link {n}: {e} Errors: 0\n" for n in range(18) for e in ("Replay", "Recovery", "CRC"))
        for g in range(2)
    ),
    "nvme-smart-log": json.dumps(_NVME, indent=2) + "\n",
    "pci": "".join(
        f"/sys/bus/pci/devices/0000:{b}:00.0/{n}:{v}\n"
        for b, values in {"00": ("0x8086", "0x060000"), "53": ("0x10de", "0x030200")}.items()
        for n, v in zip(("vendor", "class"), values, strict=True)
    ),
    "smpquery-pkeys": "   0: 0xffff 0x8010 0x0000 0x0000 0x0000 0x0000 0x0000 0x0000\n 8 pkeys capacity for this port\n",
    "smpquery-nodedesc": "Node Description:...................gpu03 mlx5_0\n",
}


def every_output(samples: Path) -> dict[str, str]:
    """One whole output a kind. ``samples``: where the recorded ones are."""
    tree = samples / "sysfs-ib" / "sys-class-infiniband-h100.0"
    listing = "".join(f"{p}:{p.read_text().strip()}\n" for p in sorted(tree.glob("mlx5_[01]/**/*")) if p.is_file())
    recorded = {kind: (samples / path).read_bytes().decode() for kind, path in _RECORDED.items()}
    return {**recorded, **SYNTHETIC, "sysfs-ib": listing}
