"""``nvbandwidth``, printed or by ``-j``. Source: a recorded GH200 run of 0.6; output.cpp and json_output.cpp of 0.8.

A test that the machine can't do is *waived*, which is no pass. Which tests had to run is for the judge to know.
"""

import re
from dataclasses import dataclass

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.text import finite, plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_RUNNING = re.compile(r"^Running (\w+)\.$")
_WAIVED = re.compile(r"^Waived:? ?(\w*)")
_SUM = re.compile(r"^SUM (\w+) (\S+)$")
_UNIT = re.compile(r"\((GB/s|ns)\)$")
_DEVICE = re.compile(r"^Device \d+: .+$")
_ERROR = re.compile(r"CUDA_ERROR|NVML_ERROR|^ERROR|^\[ERROR\]", re.IGNORECASE)
_PASSED, _WAIVED_STATUS = "Passed", "Waived"


@dataclass(frozen=True, slots=True)
class BandwidthTest:
    """One test. ``matrix``: a value for each row and column of the tool's table in ``unit``, None for ``N/A``.

    ``status`` is the tool's own word: ``Passed``, ``Waived``, ``Error``, ``Not Found``, ``Running``.
    """

    name: str
    status: str
    unit: str
    matrix: tuple[tuple[float | None, ...], ...]
    sum: float | None


@dataclass(frozen=True, slots=True)
class NvBandwidth:
    """One run. ``errors``: what it complained of; ``waived``: tests that were left out without a name."""

    version: str | None
    driver: str | None
    devices: tuple[str, ...]
    tests: tuple[BandwidthTest, ...]
    waived: int
    errors: tuple[str, ...]


def read_nvbandwidth(text: str) -> NvBandwidth:
    """One run.

    Raises:
        Unreadable: no test, a test that began and did not end, or a table that isn't whole.
    """
    return _json(text) if text.lstrip("\ufeff \r\n\t").startswith("{") else _printed(text)


def _printed(text: str) -> NvBandwidth:
    lines = plain_lines(text)[:-1]
    versions = {key: value for line in lines for key, _, value in [line.partition(": ")]}
    tests, waived, name, unit = list[BandwidthTest](), 0, "", ""
    rows, columns = list[tuple[float | None, ...]](), 0
    for line in lines:
        words = line.split()
        if running := _RUNNING.match(line):
            if name:
                raise Unreadable(f"nvbandwidth: {name} began and has no end")
            name, unit, rows, columns = running[1], "", [], 0
        elif found := _WAIVED.match(line):
            waived += not found[1]
            if found[1]:
                tests.append(BandwidthTest(found[1], _WAIVED_STATUS, "", (), None))
        elif (found := _SUM.match(line)) and name:
            tests.append(_test(name, unit, rows, columns, found))
            name = ""
        elif name and (found := _UNIT.search(line)):
            unit = found[1]
        elif name and words and all(w.isdecimal() for w in words) and not rows:
            columns = len(words)
        elif name and words and words[0].isdecimal():
            rows.append(tuple(_value(w) for w in words[1:]))
    if name:
        raise Unreadable(f"nvbandwidth: {name} began and has no end, so it was killed or the output was cut")
    if not tests:
        raise Unreadable(f"nvbandwidth: it ran no test: {shown(text) or 'no output'}")
    return NvBandwidth(
        version=versions.get("nvbandwidth Version"),
        driver=versions.get("Driver Version"),
        devices=tuple(line for line in lines if _DEVICE.match(line)),
        tests=tuple(tests),
        waived=waived,
        errors=tuple(shown(line) for line in lines if _ERROR.search(line)),
    )


def _test(
    name: str, unit: str, rows: list[tuple[float | None, ...]], columns: int, total: re.Match[str]
) -> BandwidthTest:
    if total[1] != name or not unit or not rows or any(len(row) != columns for row in rows):
        raise Unreadable(f"nvbandwidth: the table of {name} is not whole")
    known, stated = sum(v for row in rows for v in row if v is not None), _value(total[2])
    if stated is None or abs(known - stated) > max(1.0, 0.01 * known):
        raise Unreadable(f"nvbandwidth: the table of {name} adds up to {known:g}, the tool says {total[2]}: it was cut")
    return BandwidthTest(name, _PASSED, unit, tuple(rows), stated)


def _json(text: str) -> NvBandwidth:
    run = one_object(text, "nvbandwidth").child("nvbandwidth")
    tests = tuple(_json_test(t) for t in run.children("testcases")) if run.values.get("testcases") is not None else ()
    errors = [e for name in ("error", "warning") if (e := run.maybe_text(name))]
    errors += [e for t in (run.children("testcases") if tests else []) if (e := t.maybe_text("error"))]
    if not tests and not errors:
        raise Unreadable("nvbandwidth: it ran no test")
    devices = run.values.get("GPU Device list")
    return NvBandwidth(
        version=run.maybe_text("version") or run.maybe_text("git_version"),
        driver=run.maybe_text("Driver Version"),
        devices=tuple(str(d) for d in devices) if isinstance(devices, list) else (),
        tests=tests,
        waived=0,
        errors=tuple(shown(e) for e in errors),
    )


def _json_test(test: JsonObject) -> BandwidthTest:
    name, status = test.text("name"), test.text("status")
    if status != _PASSED:
        return BandwidthTest(name, status, "", (), None)
    unit = _UNIT.search(test.text("bandwidth_description"))
    rows = test.items("bandwidth_matrix")
    if unit is None or not rows:
        raise Unreadable(f"{test.place}: no unit or no value")
    matrix = []
    for row in rows:
        if not isinstance(row, list):
            raise Unreadable(f"{test.place}: a row is no list")
        matrix.append(tuple(_value(str(cell)) for cell in row))
    return BandwidthTest(name, status, unit[1], tuple(matrix), test.number("sum"))


def _value(text: str) -> float | None:
    return None if text == "N/A" else finite(text, "nvbandwidth")
