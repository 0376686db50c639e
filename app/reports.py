"""A burn-in's report as files: what the frontends need of ``burn_in``."""

from burn_in.report.about import About
from burn_in.report.page import as_json, as_page
from frontends.evidence import Pages
from workflows.model.run import Run
from workflows.model.verdict import BurnInReport


def pages() -> Pages:
    """The page and the JSON."""
    return Pages(_render)


def _render(report: BurnInReport, sha256: str, run: Run) -> dict[str, str]:
    wish = run.desired
    about = About(
        node=wish.label,
        serial=wish.serial or "",
        rack=wish.rack or "",
        sku=wish.profile.sku.name if wish.profile else "",
        release=wish.profile.release.name if wish.profile else "",
        run=run.id,
        report=sha256,
    )
    return {"report.html": as_page(report, about), "report.json": as_json(report, about)}
