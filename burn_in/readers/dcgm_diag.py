"""``dcgmi diag -j``, DCGM 3 and 4.

Source: recorded outputs of DCGM 4.2 and 4.5; NVIDIA's schema for DCGM 4; DCGM's own tests for 3.

Every result of every test is kept: a tool that reads the first one misses seven GPUs. What the tool left out (a test that
did not run, a GPU without a result) is for the judge to miss: it knows what had to run. The exit status is no verdict:
DCGM ends with 226 where it ran and found an error, and with 205 where it wants the GPU isolated; without this JSON any
status is an error of the tool.
"""

from dataclasses import dataclass
from enum import StrEnum

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.text import shown
from burn_in.readers.unreadable import Unreadable

_ROOTS = ("DCGM Diagnostic", "DCGM GPU Diagnostic")
"""DCGM 4's and 3's."""


class DcgmStatus(StrEnum):
    """What DCGM says of one test on one entity. Only PASS is a pass: a test that was skipped has proven nothing."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WARN = "warn"
    SKIP = "skip"
    NOT_RUN = "not run"


_WORDS = {
    "pass": DcgmStatus.PASS,
    "fail": DcgmStatus.FAIL,
    "warn": DcgmStatus.WARN,
    "skip": DcgmStatus.SKIP,
    "skipped": DcgmStatus.SKIP,
    "not run": DcgmStatus.NOT_RUN,
    "notrun": DcgmStatus.NOT_RUN,
}


@dataclass(frozen=True, slots=True)
class DcgmWarning:
    """One complaint. Numbers as in DCGM 4's ``dcgm_errors.h`` (severity 2 is *isolate*); None in DCGM 3, which has none."""

    text: str
    error_id: int | None
    category: int | None
    severity: int | None


@dataclass(frozen=True, slots=True)
class DcgmResult:
    """One test on one entity. ``entity_group`` is ``GPU`` for GPUs; ``entity`` DCGM's number of it."""

    category: str
    test: str
    entity_group: str
    entity: int
    status: DcgmStatus
    warnings: tuple[DcgmWarning, ...]
    info: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DcgmTest:
    """What a test says of itself as a whole. DCGM 3 has no summary: None."""

    category: str
    name: str
    summary: DcgmStatus | None
    warnings: tuple[DcgmWarning, ...]
    info: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DcgmEntity:
    """One part that DCGM looked at, by its number. ``serial`` is None where it has none."""

    group: str
    entity: int
    device_id: str
    serial: str | None


@dataclass(frozen=True, slots=True)
class DcgmDiag:
    """One run. ``runtime_error``: what stopped it as a whole; then there may be no results at all."""

    version: str | None
    driver: str | None
    entities: tuple[DcgmEntity, ...]
    tests: tuple[DcgmTest, ...]
    results: tuple[DcgmResult, ...]
    runtime_error: str | None


def read_dcgm_diag(text: str) -> DcgmDiag:
    """All that a run says.

    Raises:
        Unreadable: no JSON of a diagnostic, half of it, a status or a GPU that can't be told, or neither tests nor an error.
    """
    document = one_object(text, "dcgmi diag")
    root = next((document.child(name) for name in _ROOTS if name in document.values), None)
    if root is None:
        raise Unreadable(f"dcgmi diag: none of the root keys {' and '.join(map(repr, _ROOTS))}")
    error = next((e for o in (root, document) if (e := o.maybe_text("runtime_error"))), None)
    tests, results = list[DcgmTest](), list[DcgmResult]()
    if root.values.get("test_categories") is not None:
        for category in root.children("test_categories"):
            for test in _tests(category):
                tests.append(_test(category.text("category"), test))
                results += _results(category.text("category"), test)
    if not tests and error is None:
        raise Unreadable("dcgmi diag: neither a test nor an error")
    version, driver = _versions(document, root)
    return DcgmDiag(version, driver, tuple(_entities(document)), tuple(tests), tuple(results), error)


def _tests(category: JsonObject) -> list[JsonObject]:
    """DCGM 3 writes ``null`` between tests."""
    real = [t for t in category.items("tests") if t is not None]
    return JsonObject({"tests": real}, category.place).children("tests")


def _test(category: str, test: JsonObject) -> DcgmTest:
    summary = test.maybe_child("test_summary")
    if summary is None:
        return DcgmTest(category, test.text("name"), None, (), ())
    return DcgmTest(category, test.text("name"), _status(summary), _warnings(summary), _info(summary))


def _results(category: str, test: JsonObject) -> list[DcgmResult]:
    found = []
    for result in test.children("results"):
        group, entities = _who(result)
        found += [
            DcgmResult(category, test.text("name"), group, e, _status(result), _warnings(result), _info(result))
            for e in entities
        ]
    return found


def _who(result: JsonObject) -> tuple[str, list[int]]:
    """DCGM 4 names one entity, DCGM 3 one GPU or a list of them in one text."""
    if "entity_id" in result.values:
        return result.text("entity_group"), [result.whole("entity_id")]
    ids = result.maybe_text("gpu_ids") or result.maybe_text("gpu_id") or ""
    try:
        found = [int(part) for part in ids.split(",")]
    except ValueError:
        raise Unreadable(f"{result.place}: no GPU is named: {shown(ids) or 'nothing'}") from None
    return "GPU", found


def _status(part: JsonObject) -> DcgmStatus:
    word = part.text("status")
    status = _WORDS.get(" ".join(word.lower().split()))
    if status is None:
        raise Unreadable(f"{part.place}.status is {shown(word)!r}, which DCGM doesn't document")
    return status


def _warnings(part: JsonObject) -> tuple[DcgmWarning, ...]:
    """Objects in DCGM 4, and texts, or one of the two alone, in DCGM 3."""
    found = part.values.get("warnings")
    listed = found if isinstance(found, list) else [] if found is None else [found]
    warnings = []
    for number, warning in enumerate(listed):
        if isinstance(warning, str):
            warnings.append(DcgmWarning(warning, None, None, None))
        else:
            one = JsonObject({"warnings": [warning]}, f"{part.place}[{number}]").children("warnings")[0]
            numbers = (one.maybe_whole(name) for name in ("error_id", "error_category", "error_severity"))
            warnings.append(DcgmWarning(one.text("warning"), *numbers))
    return tuple(warnings)


def _info(part: JsonObject) -> tuple[str, ...]:
    found = part.values.get("info")
    return tuple(str(line) for line in (found if isinstance(found, list) else [] if found is None else [found]))


def _entities(document: JsonObject) -> list[DcgmEntity]:
    if document.values.get("entity_groups") is None:
        return []
    found = []
    for group in document.children("entity_groups"):
        for entity in group.children("entities"):
            serial = entity.maybe_text("serial_num")
            known = serial if serial and "NOT_SUPPORTED" not in serial else None
            name = group.text("entity_group")
            found.append(DcgmEntity(name, entity.whole("entity_id"), entity.text("device_id"), known))
    return found


def _versions(document: JsonObject, root: JsonObject) -> tuple[str | None, str | None]:
    """In ``metadata`` in DCGM 4, beside the root or in it in DCGM 3."""
    places = [p for p in (document.maybe_child("metadata"), root, document) if p is not None]
    version = next((v for p in places for n in ("version", "DCGM Version") if (v := p.maybe_text(n))), None)
    return version, next((v for p in places if (v := p.maybe_text("Driver Version Detected"))), None)
