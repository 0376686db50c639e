"""``nvidia-smi nvlink -s`` (state of each link) and ``-e`` (its error counters).

Source: the recorded state of an A100 node; nvidia-smi's manual for the counters.

The tool prints no count and no end. All GPUs of a node have the same number of links, so fewer links in the last one
mean that the output was cut; GPUs that are missing whole are for the judge to miss, who knows how many there must be.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_GPU = re.compile(r"^GPU (\d+): (.+?) \(UUID: (\S+?)\)$")
_STATE = re.compile(r"^\s+Link (\d+): (?:([\d.]+) (GB/s|MB/s)|<?(inactive|off|disabled)>?)$", re.IGNORECASE)
_COUNT = re.compile(r"^\s+Link (\d+): ([A-Za-z][^:]*): *(\S.*)$")
_REMARK = re.compile(r"NVML|inactive|unable|not supported|error|failed", re.IGNORECASE)
_NUMBER = re.compile(r"^(\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?: errors?)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NvLink:
    """One link. ``gbytes_per_s``: its speed one way; None where it is not up."""

    number: int
    gbytes_per_s: float | None


@dataclass(frozen=True, slots=True)
class NvLinkErrors:
    """The counters of one link, by the tool's own names; None where it gives no number."""

    number: int
    counters: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class NvLinkGpu[T]:
    """One GPU. ``remarks``: what the tool says of it instead of links, as ``all links are inActive``."""

    index: int
    name: str
    uuid: str
    links: tuple[T, ...]
    remarks: tuple[str, ...]


def read_nvlink_state(text: str) -> tuple[NvLinkGpu[NvLink], ...]:
    """The links of every GPU.

    Raises:
        Unreadable: no GPU, a line that is none of it, or a GPU with fewer links than the others and no word of why.
    """
    gpus = []
    for index, name, uuid, lines in _gpus(text, "nvlink -s"):
        links, remarks = list[NvLink](), list[str]()
        for line in lines:
            if found := _STATE.match(line):
                links.append(NvLink(int(found[1][:4]), _speed(found)))
            elif re.match(r"^\s+Link \d*", line):
                raise Unreadable(f"nvlink -s: a link without a state, so the output was cut: {shown(line)}")
            else:
                remarks.append(_remark(line))
        gpus.append(NvLinkGpu(index, name, uuid, tuple(links), tuple(remarks)))
    return _even(gpus, "nvlink -s")


def read_nvlink_errors(text: str) -> tuple[NvLinkGpu[NvLinkErrors], ...]:
    """The error counters of every link of every GPU.

    Raises:
        Unreadable: as ``read_nvlink_state``, or the links have different counters.
    """
    gpus = []
    for index, name, uuid, lines in _gpus(text, "nvlink -e"):
        counters, remarks = dict[int, dict[str, float | None]](), list[str]()
        for line in lines:
            if found := _COUNT.match(line):
                number = _NUMBER.match(found[3])
                value = float(number[1]) if number else None
                counters.setdefault(int(found[1][:4]), {})[found[2].strip()] = value
            elif re.match(r"^\s+Link \d*", line):
                raise Unreadable(f"nvlink -e: a link without a counter, so the output was cut: {shown(line)}")
            else:
                remarks.append(_remark(line))
        if len({tuple(values) for values in counters.values()}) > 1:
            raise Unreadable(f"nvlink -e: the links of GPU {index} have different counters, so the output was cut")
        links = tuple(NvLinkErrors(n, values) for n, values in counters.items())
        gpus.append(NvLinkGpu(index, name, uuid, links, tuple(remarks)))
    return _even(gpus, "nvlink -e")


def _gpus(text: str, tool: str) -> list[tuple[int, str, str, list[str]]]:
    gpus = list[tuple[int, str, str, list[str]]]()
    for line in plain_lines(text):
        if found := _GPU.match(line):
            gpus.append((int(found[1][:4]), found[2], found[3], []))
        elif line and gpus:
            gpus[-1][3].append(line)
        elif line.startswith("GPU ") or (line and line[0].isspace()):
            raise Unreadable(f"{tool}: not a GPU's line: {shown(line)}")
    if not gpus:
        raise Unreadable(f"{tool}: it lists no GPU: {shown(text) or 'no output'}")
    return gpus


def _even[T](gpus: list[NvLinkGpu[T]], tool: str) -> tuple[NvLinkGpu[T], ...]:
    most = max(len(g.links) for g in gpus)
    for gpu in gpus:
        if len(gpu.links) < most and not gpu.remarks:
            raise Unreadable(
                f"{tool}: GPU {gpu.index} has {len(gpu.links)} links, others {most}, so the output was cut"
            )
    if most == 0 and not gpus[-1].remarks:
        raise Unreadable(f"{tool}: no GPU has a link, and the tool doesn't say why")
    return tuple(gpus)


def _remark(line: str) -> str:
    if not _REMARK.search(line):
        raise Unreadable(f"nvlink: not a line of it, so the output was cut: {shown(line)}")
    return shown(line)


def _speed(found: re.Match[str]) -> float | None:
    if found[2] is None:
        return None
    try:
        return float(found[2]) / (1000 if found[3].upper().startswith("MB") else 1)
    except ValueError:
        raise Unreadable(f"nvlink -s: {found[2]!r} is no speed") from None
