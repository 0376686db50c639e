"""DCGM's diagnostic: every test of the level, on every GPU, with a pass of its own.

A skip is no pass (DCGM skips in silence where its table of models is missing), nor is a test that is not there at all:
so the tests that a level must have run are named here, and are missed.
"""

from burn_in.judges.verdicts import error
from burn_in.readers.dcgm_diag import DcgmDiag, DcgmResult, DcgmStatus, DcgmTest, DcgmWarning
from workflows.model.verdict import Action, Check, Verdict

_SOURCE = "NVIDIA DCGM user guide, run levels"
TESTS: dict[int, tuple[str, ...]] = {
    1: ("software",),
    2: ("software", "pcie", "memory"),
    3: ("software", "pcie", "memory", "diagnostic", "memory_bandwidth", "targeted_stress", "targeted_power"),
    4: (
        *("software", "pcie", "memory", "diagnostic", "memory_bandwidth", "targeted_stress", "targeted_power"),
        *("memtest", "pulse_test"),
    ),
}
"""The tests that a run level must have run."""

_ALIASES = {"gpu_memory": "memory", "pulse": "pulse_test", "memory_stress": "memtest"}
"""DCGM 3's names."""

SEVERITIES: dict[int, tuple[str, Action]] = {
    0: ("none", Action.SERVICE),
    1: ("monitor", Action.SERVICE),
    2: ("isolate", Action.RMA),
    3: ("unknown", Action.SERVICE),
    4: ("triage", Action.SERVICE),
    5: ("config", Action.RECONFIGURE),
    6: ("reset", Action.RESET_GPU),
}
"""DCGM 4's ``dcgm_errors.h``. Severity 2 is *isolate*: tools that take 3 for it return sick nodes to service."""

_STRENGTH = tuple(Action)


def judge_dcgm(diag: DcgmDiag, level: int, gpus: int) -> tuple[Check, ...]:
    """All results of a run of ``level`` on a node with so many GPUs."""
    checks = []
    if diag.runtime_error:
        checks.append(error("dcgm.run", "", f"DCGM stopped: {diag.runtime_error[:300]}"))
    for name in TESTS[level]:
        mine = [r for r in diag.results if name in _names(r.category, r.test)]
        seen = {r.entity for r in mine if r.entity_group == "GPU"}
        checks += [_result(name, r) for r in mine]
        if len(seen) < gpus:
            checks.append(_missing(name, len(seen), gpus))
    required = set(TESTS[level])
    for test in diag.tests:
        checks += _summary(test)
    for result in diag.results:
        if not required.intersection(_names(result.category, result.test)):
            checks.append(_result(_plain(result.test), result))
    return tuple(checks)


def _names(category: str, test: str) -> tuple[str, ...]:
    """A test's own name, and ``software`` for each part of what DCGM 3 spreads over many deployment tests."""
    name = _plain(test)
    return (name, "software") if category.lower() == "deployment" else (name,)


def _plain(test: str) -> str:
    name = "_".join(test.lower().replace("-", " ").split())
    return _ALIASES.get(name, name)


def _result(name: str, result: DcgmResult) -> Check:
    return _told(name, f"{result.entity_group} {result.entity}", result.status, result.warnings, result.info)


def _summary(test: DcgmTest) -> list[Check]:
    """What a test says of itself as a whole, where that is worse than a pass: no GPU's result may hide it."""
    if test.summary in (None, DcgmStatus.PASS) and not test.warnings:
        return []
    status = test.summary or DcgmStatus.WARN
    return [_told(_plain(test.name), "", status, test.warnings, test.info)]


_VERDICTS = {
    DcgmStatus.PASS: Verdict.PASS,
    DcgmStatus.WARN: Verdict.WARN,
    DcgmStatus.FAIL: Verdict.FAIL,
    DcgmStatus.SKIP: Verdict.SKIP,
    DcgmStatus.NOT_RUN: Verdict.SKIP,
}


def _told(
    name: str, entity: str, status: DcgmStatus, warnings: tuple[DcgmWarning, ...], info: tuple[str, ...]
) -> Check:
    verdict = _VERDICTS[status]
    if verdict is Verdict.PASS and warnings:
        verdict = Verdict.WARN
    actions = [_action(w) for w in warnings]
    if verdict is Verdict.WARN and any(w.severity not in (None, 0, 1) for w in warnings):
        verdict = Verdict.FAIL  # DCGM 4 says itself that somebody must act on it
    action = max(actions, key=_STRENGTH.index, default=Action.SERVICE)
    said = "; ".join(w.text for w in warnings) or "; ".join(info)
    return Check(
        id=f"dcgm.{name}",
        entity=entity,
        verdict=verdict,
        measured=status.value,
        expected=DcgmStatus.PASS.value,
        source=_SOURCE,
        message="" if verdict is Verdict.PASS else f"DCGM says {status}: {said[:400] or 'no reason'}",
        action=Action.NONE if verdict is Verdict.PASS else Action.COLLECT if verdict is Verdict.SKIP else action,
    )


def _action(warning: DcgmWarning) -> Action:
    known = SEVERITIES.get(warning.severity) if warning.severity is not None else None
    return known[1] if known else Action.SERVICE


def _missing(name: str, seen: int, gpus: int) -> Check:
    return Check(
        id=f"dcgm.{name}",
        verdict=Verdict.UNKNOWN,
        measured=f"{seen} GPUs",
        expected=f"{gpus} GPUs",
        source=_SOURCE,
        message=f"the test {name} has results of {seen} of {gpus} GPUs: what has not run has proven nothing",
        action=Action.COLLECT,
    )
