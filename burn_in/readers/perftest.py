"""perftest (``ib_write_bw``, ``ib_read_lat``, …), printed or by ``--out_json``.

Source: recorded runs; perftest's perftest_parameters.c; programs that read its JSON.
The printed table names its unit: ``MB/sec`` means 2^20 bytes there, ``Gb/sec`` (``--report_gbits``) 10^9 bits. The JSON
names none, so its bandwidth has no unit here unless it is given by who ran it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.text import finite, plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_TEST = re.compile(r"^\s*([A-Z]\w*(?:[ _-]\w+)* (?:BW|Latency) Test)(?: .*)?$")
_COLUMN = re.compile(
    r"#bytes|#iterations|BW peak ?\[[^\]]+\]|BW average ?\[[^\]]+\]|MsgRate ?\[[^\]]+\]|t_\w+ ?\[usec\]"
    r"|99(?:\.9+)?% percentile ?\[usec\]|tps average|CPU_Util ?\[%\]"
)
_NAMES = {
    "BW peak": "bandwidth_peak",
    "BW average": "bandwidth_average",
    "MsgRate": "message_rate_mpps",
    "99% percentile": "t_99_us",
    "99.9% percentile": "t_999_us",
    "tps average": "transactions_per_s",
    "CPU_Util": "cpu_percent",
}
_JSON_NAMES = {"BW_peak": "bandwidth_peak", "BW_average": "bandwidth_average", "MsgRate": "message_rate_mpps"}
_UNIT = {"MB/sec": 8 * 2**20 / 1e9, "MiB/sec": 8 * 2**20 / 1e9, "Gb/sec": 1.0}
_LINE = re.compile(r"^-{20,}$")
_FAILED = re.compile(r"Couldn't |Unable to |Failed to |Failed |Completion with error|mismatch", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PerftestRow:
    """One message size. ``gbits_per_s``: its average bandwidth where the unit is known.

    ``values`` by their names here: ``bandwidth_average``, ``t_typical_us``, ``t_99_us``, … Times are microseconds.
    """

    size: int
    iterations: int
    gbits_per_s: float | None
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Perftest:
    """One run; where both ends print into one file, the rows of both. ``failures``: what it complained of."""

    test: str | None
    device: str | None
    link_type: str | None
    unit: str | None
    rows: tuple[PerftestRow, ...]
    failures: tuple[str, ...]


def read_perftest(text: str) -> Perftest:
    """One run to its end.

    Raises:
        Unreadable: no result, a row that isn't whole, or no line after the last one: killed, or cut.
    """
    return _json(text) if text.lstrip("\ufeff \r\n\t").startswith("{") else _printed(text)


def _printed(text: str) -> Perftest:
    lines = plain_lines(text)
    columns, rows, ended = list[str](), list[PerftestRow](), False
    for line in lines:
        words = line.split()
        if line.lstrip().startswith("#bytes"):
            columns = _COLUMN.findall(line)
            if _COLUMN.sub("", line).strip():
                raise Unreadable(f"perftest: columns that are not known: {shown(line)}")
        elif columns and words and words[0].isdecimal():
            rows.append(_row(columns, words))
            ended = False
        elif _LINE.match(line.strip()):
            ended = True
    failures = tuple(shown(line) for line in lines if _FAILED.search(line))
    if not rows:
        raise Unreadable(f"perftest: no result: {failures[0] if failures else shown(text) or 'no output'}")
    if not ended:
        raise Unreadable("perftest: no line after the last row, so the run was killed or the output was cut")
    unit = next((u for c in columns if c.startswith("BW") for u in [_unit(c)]), None)
    test = next((found[1] for line in lines if (found := _TEST.match(line))), None)
    return Perftest(test, _field(text, "Device"), _field(text, "Link type"), unit, tuple(rows), failures)


def _row(columns: list[str], words: list[str]) -> PerftestRow:
    if len(words) != len(columns):
        raise Unreadable(f"perftest: {len(words)} fields under {len(columns)} columns: {shown(' '.join(words))}")
    values = {_name(c): finite(w, "perftest") for c, w in zip(columns[2:], words[2:], strict=True)}
    average = next((n for n, c in enumerate(columns) if c.startswith("BW average")), None)
    rate = None if average is None else finite(words[average], "perftest") * _UNIT[_unit(columns[average])]
    return PerftestRow(int(words[0][:18]), int(finite(words[1], "perftest")), rate, values)


def _name(column: str) -> str:
    plain = column.partition("[")[0].strip()
    return _NAMES.get(plain, f"{plain}_us")


def _unit(column: str) -> str:
    unit = column.partition("[")[2].rstrip("]")
    if unit not in _UNIT:
        raise Unreadable(f"perftest: {shown(unit)!r} is no known unit")
    return unit


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"\b{name}\s*: (\S+)", text)
    return found[1] if found else None


def _json(text: str) -> Perftest:
    run = one_object(text, "perftest")
    info = run.maybe_child("test_info") or JsonObject({}, "perftest")
    results = run.values.get("results")
    rows = run.children("results") if isinstance(results, list) else [run.child("results")]
    if not rows:
        raise Unreadable("perftest: no result")
    return Perftest(
        test=info.maybe_text("test"),
        device=info.maybe_text("Device"),
        link_type=info.maybe_text("Link_type"),
        unit=None,
        rows=tuple(_json_row(r) for r in rows),
        failures=(),
    )


def _json_row(row: JsonObject) -> PerftestRow:
    names = [n for n in row.values if n not in ("MsgSize", "n_iterations")]
    values = {_JSON_NAMES.get(n, n): row.number(n) for n in names if not isinstance(row.values[n], str)}
    if not values:
        raise Unreadable(f"{row.place} measured nothing")
    return PerftestRow(row.whole("MsgSize"), row.whole("n_iterations"), None, values)
