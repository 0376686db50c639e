"""The report as one HTML page and as JSON: verdict first, then what failed with its evidence, then all of it.

The page needs nothing from elsewhere: no script, no font, no picture, and its policy forbids the browser to fetch any.
Everything that came from a machine is escaped; a node that names itself ``<script>`` is only shown so.
"""

import json
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, StrictUndefined

from burn_in.report.about import About
from burn_in.report.maps import heat_maps
from workflows.model.actions import RULES, decide
from workflows.model.verdict import BurnInReport, Check, Verdict

_GOOD = (Verdict.PASS, Verdict.WARN)


def as_json(report: BurnInReport, about: About) -> str:
    """The whole report, with stable names."""
    decision = decide(report)
    return json.dumps(
        {
            "accepted": report.accepted,
            "action": decision.action.value,
            "next": decision.words,
            "about": about.model_dump(mode="json"),
            "level": report.level,
            "counts": _counts(report.checks),
            "overrides": list(report.overrides),
            "versions": report.versions,
            "parts": [part.model_dump(mode="json") for part in report.parts],
            "timeline": [span.model_dump(mode="json") for span in report.timeline],
            "checks": [check.model_dump(mode="json") for check in report.checks],
        },
        indent=1,
        ensure_ascii=False,
    )


def as_page(report: BurnInReport, about: About) -> str:
    """The whole report as one HTML page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files(__package__) / "page.html.j2").read_text())
    decision = decide(report)
    begin = min((span.started for span in report.timeline), default=0.0)
    total = max((span.started + span.seconds - begin for span in report.timeline), default=0.0) or 1.0
    return template.render(
        report=report,
        about=about,
        decision=decision,
        rules=RULES,
        counts=_counts(report.checks),
        failures=_by_id(report.failures),
        warnings=[c for c in report.checks if c.verdict is Verdict.WARN],
        whom=lambda entity: _whom(report, entity),
        subjects=_by_subject(report.checks),
        maps=heat_maps(report),
        spans=[(s, 100 * (s.started - begin) / total, max(0.5, 100 * s.seconds / total)) for s in report.timeline],
    )


def _whom(report: BurnInReport, entity: str) -> str:
    """A part as a person finds it: its name, its place and its serial, beside what the tool calls it."""
    part = report.part(entity)
    if part is None:
        return entity
    known = (part.place, f"serial {part.serial}" if part.serial else "", entity if entity != part.name else "")
    return f"{part.name} ({', '.join(filter(None, known))})"


def _counts(checks: tuple[Check, ...]) -> dict[str, int]:
    return {verdict.value: sum(c.verdict is verdict for c in checks) for verdict in Verdict}


def _by_id(checks: tuple[Check, ...]) -> list[tuple[str, list[Check]]]:
    ordered = sorted(checks, key=lambda c: (list(RULES).index(c.action) * -1, c.id))
    return [(name, list(found)) for name, found in groupby(ordered, key=lambda c: c.id)]


def _by_subject(checks: tuple[Check, ...]) -> list[tuple[str, list[Check]]]:
    """All checks by their subject (``gpu``, ``infiniband``), in the order in which they were judged."""
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(check.id.partition(".")[0], []).append(check)
    return list(found.items())
