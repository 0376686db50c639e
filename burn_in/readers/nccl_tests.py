"""nccl-tests (``all_reduce_perf`` and its sisters): the printed table, or the file of ``-J``.

Source: recorded tables of 8×A100; src/util.cu and src/common.cu of nccl-tests 2.17 for the newer table and for JSON. The
average over all sizes says little: it is the largest sizes that a floor is for, so every row is kept.
"""

import re
from dataclasses import dataclass

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.text import ended_lines, finite, shown
from burn_in.readers.unreadable import Unreadable

_RANK = re.compile(r"^#\s+Rank\s+(\d+)(?: Group\s+\d+)? Pid\s+\d+ on\s+(\S+) device\s+(\d+) \[([0-9a-fA-Fx:]+)\] (.+)$")
_ROW = re.compile(r"^\s*\d+\s+\d+\s+[a-z][a-z0-9_]*\s")
_VALIDATION = re.compile(r"^# nThread .*\bvalidation: (\d+)")
_TEST = re.compile(r"^# Collective test starting: (\S+)")
_BOUNDS = re.compile(r"^# Out of bounds values\s*: (\d+) (OK|FAILED)$")
_AVERAGE = re.compile(r"^# Avg bus bandwidth\s*: (\S+)(?: +(?:OK|FAILED))?$")
_TIMING = ("time", "algbw", "busbw")


@dataclass(frozen=True, slots=True)
class NcclRank:
    """One rank and its GPU. ``pci`` as the version prints it: whole, or the bus alone."""

    rank: int
    host: str
    device: int
    pci: str
    gpu: str


@dataclass(frozen=True, slots=True)
class NcclTiming:
    """One measurement. Bandwidths in GB/s; ``wrong``: elements with a wrong result, None where nobody looked."""

    time_us: float
    algorithm_gbytes: float
    bus_gbytes: float
    wrong: float | None


@dataclass(frozen=True, slots=True)
class NcclRow:
    """One message size in bytes. A half that a run leaves out is None."""

    size: int
    type: str
    redop: str | None
    out_of_place: NcclTiming | None
    in_place: NcclTiming | None


@dataclass(frozen=True, slots=True)
class NcclTests:
    """One run to its end. ``validated``: whether results were compared at all; ``out_of_bounds`` counts wrong results."""

    test: str | None
    validated: bool | None
    ranks: tuple[NcclRank, ...]
    rows: tuple[NcclRow, ...]
    out_of_bounds: int
    average_bus_gbytes: float


def read_nccl_tests(text: str) -> NcclTests:
    """One run, printed or as JSON.

    Raises:
        Unreadable: no run, a run without its summary (it was killed, or the output was cut), or a row that isn't whole.
    """
    return _json(text) if text.lstrip("\ufeff \r\n\t").startswith("{") else _table(text)


def _table(text: str) -> NcclTests:
    columns, test, validated, bounds, average = list[str](), None, None, None, None
    ranks, rows = list[NcclRank](), list[NcclRow]()
    for line in ended_lines(text, "nccl-tests"):
        words = line.split()
        if rank := _RANK.match(line):
            ranks.append(NcclRank(int(rank[1][:9]), rank[2], int(rank[3][:9]), rank[4], rank[5].strip()))
        elif line.startswith("#") and {"size", "count", "algbw"} <= set(words):
            columns = [w for w in words[1:] if w != "timestamp"]
        elif _ROW.match(line) and columns:
            rows.append(_row(columns, words))
        elif found := _VALIDATION.match(line):
            validated = found[1] != "0"
        elif found := _TEST.match(line):
            test = found[1]
        elif found := _BOUNDS.match(line):
            bounds = int(found[1][:18])
        elif found := _AVERAGE.match(line):
            average = finite(found[1], "nccl-tests")
    if not rows:
        raise Unreadable(f"nccl-tests: it measured nothing: {shown(text)}")
    if bounds is None or average is None:
        raise Unreadable("nccl-tests: the summary is missing, so the run was killed or the output was cut")
    return NcclTests(test, validated, tuple(ranks), tuple(rows), bounds, average)


def _row(columns: list[str], words: list[str]) -> NcclRow:
    if len(words) - len(columns) not in (0, 2):
        raise Unreadable(
            f"nccl-tests: a row of {len(words)} fields under {len(columns)} columns: {shown(' '.join(words))}"
        )
    first = [n for n, name in enumerate(columns) if name in ("time", "cputime")]
    if len(first) != 2:
        raise Unreadable("nccl-tests: the table has no columns out of place and in place")
    redop = words[columns.index("redop")] if "redop" in columns else None
    halves = [_timing(columns[at : at + 4], words[at : at + 4]) for at in first]
    return NcclRow(int(words[0][:20]), words[columns.index("type")], redop, halves[0], halves[1])


def _timing(columns: list[str], words: list[str]) -> NcclTiming:
    """Old versions give a deviation (``error``) where newer ones count what is wrong."""
    if len(columns) < 4 or tuple(columns[1:3]) != _TIMING[1:]:
        raise Unreadable(f"nccl-tests: columns that are not known: {shown(' '.join(columns))}")
    wrong = None if columns[3] != "#wrong" or words[3] == "N/A" else finite(words[3], "nccl-tests")
    return NcclTiming(
        finite(words[0], "nccl-tests"), finite(words[1], "nccl-tests"), finite(words[2], "nccl-tests"), wrong
    )


def _json(text: str) -> NcclTests:
    run = one_object(text, "nccl-tests")
    config = run.maybe_child("config")
    rows = tuple(_json_row(r) for r in run.children("results"))
    if not rows:
        raise Unreadable("nccl-tests: it measured nothing")
    args = run.values.get("args")
    validation = config.maybe_whole("validation") if config else None
    return NcclTests(
        test=str(args[0]).rpartition("/")[2] if isinstance(args, list) and args else None,
        validated=None if validation is None else validation != 0,
        ranks=tuple(_json_rank(d) for d in config.children("devices"))
        if config and config.values.get("devices")
        else (),
        rows=rows,
        out_of_bounds=run.child("out_of_bounds").whole("count"),
        average_bus_gbytes=run.child("average_bus_bandwidth").number("bandwidth"),
    )


def _json_rank(device: JsonObject) -> NcclRank:
    return NcclRank(
        device.whole("rank"),
        device.text("hostname"),
        device.whole("device"),
        device.text("device_hex"),
        device.text("device_info"),
    )


def _json_row(row: JsonObject) -> NcclRow:
    halves = [
        _json_timing(half) if half else None for n in ("out_of_place", "in_place") for half in [row.maybe_child(n)]
    ]
    if halves == [None, None]:
        raise Unreadable(f"{row.place} measured nothing")
    return NcclRow(row.whole("size"), row.text("type"), row.maybe_text("redop"), halves[0], halves[1])


def _json_timing(half: JsonObject) -> NcclTiming:
    wrong = None if half.values.get("nwrong") is None else half.number("nwrong")
    time = half.number("cpu_time" if "cpu_time" in half.values else "time")
    return NcclTiming(time, half.number("alg_bw"), half.number("bus_bw"), wrong)
