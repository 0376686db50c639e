"""A workflow: the list of steps for one intent, and how a run is made of it."""

from dataclasses import dataclass

from workflows.engine.choose import Chosen
from workflows.engine.step import Steps
from workflows.model.desired import Desired
from workflows.model.keys import Cause
from workflows.model.profile import Profile
from workflows.model.run import Run, StepRef

#: The steps that bring a machine to its profile's baseline; left out where the profile names none.
BASELINE = ("firmware", "bios", "apply_off", "apply_on", "check_baseline")


@dataclass(frozen=True, slots=True)
class Workflow:
    """One intent. ``about`` is the sentence that ``bringup plan`` prints."""

    name: str
    about: str
    steps: tuple[str, ...]


def steps_for(workflow: Workflow, profile: Profile | None) -> tuple[str, ...]:
    """The steps of one node's run: ``firmware`` once for each that its profile names, no baseline where it names none."""
    firmware = len(profile.sku.firmware) if profile is not None else 0
    baseline = profile is not None and profile.sku.has_baseline
    kept = (name for name in workflow.steps if baseline or name not in BASELINE)
    return tuple(name for name in kept for _ in range(firmware if name == "firmware" else 1))


def make_run(
    workflow: Workflow, steps: Steps, desired: Desired, chosen: Chosen, after: Cause | None, epoch: str = ""
) -> Run:
    """Freeze a run: the steps with their versions, the wish, who asked and why. A preview needs no ``epoch``."""
    ask = chosen.ask
    assert chosen.cause is not None
    return Run(
        node=desired.node,
        cause=chosen.cause,
        workflow=workflow.name,
        steps=tuple(StepRef(name=name, version=steps[name].version) for name in steps_for(workflow, desired.profile)),
        desired=desired,
        asked_by=ask.who if ask is not None else desired.edit.person if desired.edit is not None else "inventory",
        reason=(ask.reason if ask is not None else "") or chosen.reason,
        approval=chosen.approval,
        campaign=chosen.campaign,
        in_service=chosen.in_service,
        caution=chosen.caution,
        force=ask is not None and ask.force,
        after=after,
        epoch=epoch,
    )
