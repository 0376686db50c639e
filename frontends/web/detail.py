"""What the page shows of one node whole: the wish, its runs, one run's story beside what is usual, the burn-in report."""

from statistics import median

from frontends.live import LiveSite
from frontends.run_story import Story, runs_of, story
from frontends.site import ConnectedSite
from frontends.web.rows import row
from workflows.model.errors import BadInput, BringupError
from workflows.model.keys import Cause, NodeKey
from workflows.model.record import Json
from workflows.model.served import Served, served_key
from workflows.model.verdict import BurnInReport

_MOST_RUNS = 50


async def node_detail(site: ConnectedSite, live: LiveSite, node: NodeKey) -> dict[str, Json]:
    """One node.

    Raises:
        BadInput: the inventory has no such node.
    """
    view = live.view(node)
    if view is None:
        raise BadInput(f"the inventory has no node {node[:80]!r}")
    wish, status = view.desired, view.status
    runs = await runs_of(site.store, node)
    value = await site.store.get(served_key(node))
    served = Served.decode(value.data) if value.data is not None else None
    return {
        "row": row(view, site.clock.now()),
        "wish": wish.model_dump(mode="json", exclude={"profile", "edit"}),
        "profile": {
            "sku": wish.profile.sku.model_dump(mode="json"),
            "release": wish.profile.release.model_dump(mode="json", exclude={"variables"}),
            "chosen_by": wish.profile.won_by,
        }
        if wish.profile
        else None,
        "accepted_run": status.accepted_run,
        "accepted_at": status.accepted_at.isoformat() if status.accepted_at else None,
        "cause": status.cause,
        "booted": {
            "script": served.script.value if served.script else None,
            "at": served.at.isoformat() if served.at else None,
            "phoned_home": served.home.at.isoformat() if served.home else None,
        }
        if served is not None
        else None,
        "runs": [
            {"cause": r.cause, "workflow": r.workflow, "asked_by": r.asked_by, "reason": r.reason}
            for r in runs[:_MOST_RUNS]
        ],
    }


async def run_detail(site: ConnectedSite, live: LiveSite, node: NodeKey, cause: Cause) -> dict[str, Json]:
    """One run in plain words, with the bars of its steps and what each usually takes.

    Raises:
        BadInput: there is no such run.
    """
    told = await story(site.store, node, cause)
    usual = _usual(live, told)
    return {
        "id": told.run.id,
        "workflow": told.run.workflow,
        "asked_by": told.run.asked_by,
        "reason": told.run.reason,
        "force": told.run.force,
        "campaign": told.run.campaign,
        "began": told.began.isoformat() if told.began else None,
        "ended": told.ended.isoformat() if told.ended else None,
        "outcome": told.state.outcome.value if told.state.outcome else None,
        "why": told.state.reason,
        "steps": [{"step": s.name, "usual": usual.get(s.name)} for s in told.run.steps],
        "bars": [
            {
                "step": b.step,
                "began": b.began.isoformat(),
                "end": b.end.isoformat() if b.end else None,
                "tries": b.tries,
                "well": b.well,
            }
            for b in told.bars()
        ],
        "journal": [dict(line) for line in told.lines()],
        "report": await _report(site, told),
    }


def _usual(live: LiveSite, told: Story) -> dict[str, float]:
    """The median seconds of each step in finished runs of the same workflow, sku and release."""
    profile = told.run.desired.profile
    took: dict[str, list[float]] = {}
    for view in live.views():
        status, kin = view.status, view.desired.profile
        same = kin is not None and profile is not None and (kin.sku.name, kin.release.name) == (
            profile.sku.name, profile.release.name,
        )  # fmt: skip
        if (
            same
            and status.outcome == "succeeded"
            and status.workflow == told.run.workflow
            and status.run != told.run.id
        ):
            for timing in status.timings:
                took.setdefault(timing.step, []).append(timing.seconds)
    return {step: median(seconds) for step, seconds in took.items()}


async def _report(site: ConnectedSite, told: Story) -> Json:
    """The burn-in report that the run left as evidence; None where it came to none, a sentence where it can't be read."""
    found = told.report()
    if not found:
        return None
    try:
        report = BurnInReport.decode(await site.evidence.get(found))
    except BringupError as error:
        return {"unreadable": str(error)}
    return {"sha256": found, **report.model_dump(mode="json")}
