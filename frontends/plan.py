"""``plan``: what bringup would do with a node and why, by the same pure table that the worker asks. Touches nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from frontends.read_model import NodeView
from workflows.engine.boot_way import ORDER, ways
from workflows.engine.choose import Choice, choose_workflow
from workflows.engine.step import Steps
from workflows.engine.workflow import Workflow, steps_for
from workflows.model.baseline import drift
from workflows.model.hardware import HardwareReport
from workflows.model.profile import Sku
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState


@dataclass(frozen=True, slots=True)
class Known:
    """What this version can do: its steps and workflows, and what of a sku its burn-in will not accept."""

    steps: Steps
    workflows: dict[str, Workflow]
    foresee: Callable[[Sku], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlanView:
    """One node's plan. ``steps``: name, whether it destroys, whether it asks for approval, and its deadline.

    ``boots``: by which ways it may be sent to the network, in order, as far as its BMC offers them. ``problems`` are what
    forbids it, ``warnings`` what would make it end badly, ``drift`` is where BIOS and firmware differ from the baseline.
    """

    node: str
    label: str
    workflow: str
    reason: str
    profile: str
    won_by: str
    boots: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    drift: tuple[str, ...]
    steps: tuple[tuple[str, str, str, str], ...]

    def as_json(self) -> dict[str, object]:
        """The row of ``--json``."""
        return asdict(self)


def plan_node(view: NodeView, settings: SiteSettings, known: Known, seen: HardwareReport | None = None) -> PlanView:
    """The plan of one node as things stand. ``seen`` is the machine as the newest run that looked saw it."""
    steps, workflows = known.steps, known.workflows
    desired, status = view.desired, view.status
    busy = status.state in (NodeState.RUNNING, NodeState.WAITING, NodeState.PARKED, NodeState.HELD)
    if busy:
        workflow, asks = status.workflow, False
        reason = f"run {status.run} is open and {status.state.value} at {status.step}: {status.reason}"
    else:
        chosen = choose_workflow(desired, status, settings, None, None)
        workflow, reason, asks = chosen.workflow, status.campaign or chosen.reason, chosen.approval
        if chosen.choice in (Choice.DRIFT, Choice.NOTHING, Choice.REFUSED):
            workflow = ""
    profile = desired.profile
    names = steps_for(workflows[workflow], profile) if workflow in workflows else ()
    return PlanView(
        node=desired.node,
        label=desired.label,
        workflow=workflow,
        reason=reason,
        profile=f"{profile.sku.name} + {profile.release.name}" if profile else "none",
        won_by=profile.won_by if profile else "",
        boots=ways(profile.sku.boot_ways, ORDER, settings.boot_media) if profile and "set_boot" in names else (),
        problems=desired.problems,
        warnings=known.foresee(profile.sku) if profile else (),
        drift=drift(profile.sku, seen) if profile and seen is not None else (),
        steps=tuple(
            (
                name,
                "yes" if steps[name].destructive else "",
                "yes" if asks and steps[name].needs_approval else "",
                str(steps[name].timeout),
            )
            for name in names
        ),
    )
