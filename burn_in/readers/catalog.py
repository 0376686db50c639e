"""Every kind of output that can be read, by name: the one table for the offline tools and for tests over all readers."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from burn_in.readers.chrony import read_chrony
from burn_in.readers.dcgm_diag import read_dcgm_diag
from burn_in.readers.fabric_manager import read_fabric_manager_log
from burn_in.readers.fio import read_fio
from burn_in.readers.gpu_burn import read_gpu_burn
from burn_in.readers.iblinkinfo import read_iblinkinfo
from burn_in.readers.ibnetdiscover import read_ibnetdiscover
from burn_in.readers.ibqueryerrors import read_ibqueryerrors
from burn_in.readers.ibstat import read_ibstat
from burn_in.readers.ibstatus import read_ibstatus
from burn_in.readers.lscpu import read_lscpu
from burn_in.readers.lspci import read_lspci
from burn_in.readers.memory import read_edac, read_meminfo
from burn_in.readers.mountinfo import read_mountinfo
from burn_in.readers.nccl_tests import read_nccl_tests
from burn_in.readers.nvbandwidth import read_nvbandwidth
from burn_in.readers.nvidia_smi import read_nvidia_smi
from burn_in.readers.nvlink import read_nvlink_errors, read_nvlink_state
from burn_in.readers.nvme import read_nvme_smart
from burn_in.readers.parallel_fs import read_lustre_health, read_scale_state
from burn_in.readers.pci import read_pci
from burn_in.readers.perftest import read_perftest
from burn_in.readers.pkeys import read_pkeys
from burn_in.readers.port_counters import read_perfquery
from burn_in.readers.saquery import read_node_description, read_node_record
from burn_in.readers.sminfo import read_sminfo
from burn_in.readers.sysfs_ib import read_sysfs_ib
from burn_in.readers.text import plain_lines
from burn_in.readers.xid import read_xids


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of output. ``about``: the command that prints it; ``mark``: what only this kind has in it.

    A kind without a mark is known by its file's name alone.
    """

    name: str
    about: str
    read: Callable[[str], object]
    mark: str | None = None


_ALL = (
    Kind("chronyc", "chronyc tracking, or chronyc -c tracking", read_chrony, r"^Reference ID +: "),
    Kind("dcgm-diag", "dcgmi diag -r LEVEL -j, of DCGM 3 and 4", read_dcgm_diag, r'"DCGM (?:GPU )?Diagnostic"'),
    Kind("edac", "grep -r -H '' /sys/devices/system/edac/mc/", read_edac, r"edac/mc/mc\d+/[cu]e_count:"),
    Kind(
        "fabric-manager-log",
        "/var/log/fabricmanager.log",
        read_fabric_manager_log,
        r"^\[[A-Z][a-z]{2} +\d+ \d{4} [\d:]+\] \[[A-Z]+\] \[tid \d+\]",
    ),
    Kind("fio", "fio --output-format=json", read_fio, r'"fio version"'),
    Kind("gpu-burn", "gpu_burn SECONDS (its exit status is always 0)", read_gpu_burn, r"^Tested \d+ GPUs:"),
    Kind("iblinkinfo", "iblinkinfo", read_iblinkinfo, r"\] *==\(.*\)==> "),
    Kind(
        "ibnetdiscover",
        "ibnetdiscover, or ibnetdiscover -p",
        read_ibnetdiscover,
        r"^(?:switchguid|caguid)=0x|^(?:SW|CA) +\d+ +\d+ 0x[0-9a-f]+ \d+x",
    ),
    Kind("ibqueryerrors", "ibqueryerrors", read_ibqueryerrors, r"^## Summary: \d+ nodes checked"),
    Kind("ibstat", "ibstat", read_ibstat, r"^CA '[^']+'$"),
    Kind("ibstatus", "ibstatus", read_ibstatus, r"^Infiniband device '"),
    Kind("lscpu", "lscpu, or lscpu -J, with LC_ALL=C", read_lscpu, r'"lscpu"|^Thread\(s\) per core:'),
    Kind("lspci", "lspci, better lspci -nn -D", read_lspci, r"^(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] [A-Z]"),
    Kind("lustre-health", "lctl get_param health_check", read_lustre_health, r"^health_check="),
    Kind("meminfo", "/proc/meminfo", read_meminfo, r"^MemTotal: +\d+ kB"),
    Kind("mmgetstate", "mmgetstate [-a] [-Y] of Storage Scale", read_scale_state, r"^mmgetstate:|GPFS state"),
    Kind("mountinfo", "/proc/self/mountinfo", read_mountinfo, r"^\d+ \d+ \d+:\d+ \S+ \S+ \S+ .*- \S+ "),
    Kind(
        "nccl-tests",
        "all_reduce_perf and its sisters: what it prints, or the file of -J",
        read_nccl_tests,
        r'^# nThread \d+|"average_bus_bandwidth"',
    ),
    Kind(
        "nvbandwidth",
        "nvbandwidth, or nvbandwidth -j",
        read_nvbandwidth,
        r'^nvbandwidth Version|^ *"nvbandwidth" ?: ?\{?$',
    ),
    Kind("nvidia-smi-xml", "nvidia-smi -q -x", read_nvidia_smi, r"<nvidia_smi_log\b"),
    Kind("nvlink-errors", "nvidia-smi nvlink -e", read_nvlink_errors, r"^\s+Link \d+: \w[^:\n]*: "),
    Kind("nvlink-status", "nvidia-smi nvlink -s", read_nvlink_state, r"^\s+Link \d+: (?:[\d.]+ [GM]B/s|<inactive>)$"),
    Kind("nvme-smart-log", "nvme smart-log DEVICE -o json", read_nvme_smart, r'"critical_warning"'),
    Kind("pci", "grep -H '' /sys/bus/pci/devices/*/{vendor,class}", read_pci, r"^/sys/bus/pci/devices/.*/vendor:"),
    Kind("perfquery", "perfquery, or perfquery -x", read_perfquery, r"^# Port (?:extended )?counters: "),
    Kind(
        "perftest",
        "ib_write_bw, ib_read_lat and their sisters: what they print, or --out_json",
        read_perftest,
        r'^ *#bytes +#iterations|"BW_average"|"t_typical"',
    ),
    Kind("saquery-node", "saquery NR LID", read_node_record, r"^NodeRecord dump:"),
    Kind("sminfo", "sminfo", read_sminfo, r"^sminfo: sm lid"),
    Kind("smpquery-nodedesc", "smpquery -G nodedesc GUID", read_node_description, r"^Node Description:"),
    Kind("smpquery-pkeys", "smpquery pkeys LID", read_pkeys, r"^ *\d+ pkeys capacity for this port"),
    Kind(
        "sysfs-ib",
        "grep -r -H '' /sys/class/infiniband/*/, or a copy of that directory",
        read_sysfs_ib,
        r"/ports/\d+/link_layer:",
    ),
    Kind(
        "xid",
        "dmesg, journalctl -k or a syslog file: what the NVIDIA driver reports in it",
        read_xids,
        r"^(?:<\d+>)?\[ *\d+\.\d{6}\] |NVRM: Xid ",
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}


def nearest(name: str) -> str | None:
    """The kind whose name is most like this one, None where none is."""
    return next(iter(difflib.get_close_matches(name.lower().replace("_", "-"), KINDS, n=1, cutoff=0.4)), None)


def sniff(text: str) -> Kind | None:
    """The one kind whose mark is in the text; None where there is none, or more than one could be meant."""
    plain = "\n".join(plain_lines(text))
    found = [kind for kind in _ALL if kind.mark and re.search(kind.mark, plain, re.MULTILINE)]
    return found[0] if len(found) == 1 else None
