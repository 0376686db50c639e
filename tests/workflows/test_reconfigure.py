"""What a burn-in's faults lead to: the roles once for the configuration, and nothing again for the hardware."""

from typing import Any

import pytest

from tests.workflows.site import Site
from workflows.model.desired import Desired
from workflows.model.errors import Unreachable
from workflows.model.status import NodeState
from workflows.model.verdict import Action, BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast


class _Judge:
    """What the node shows before the roles ran a second time and after; ``plays``: how often they had run, each time."""

    def __init__(self, site: Site, before: Action | None, after: Action | None) -> None:
        self.site, self.before, self.after, self.plays = site, before, after, list[int]()
        site.world.judge = self.judge  # type: ignore[method-assign]

    async def judge(self, _desired: Desired, _bundles: dict[str, bytes]) -> BurnInReport:
        """One report."""
        self.plays.append(self.site.world.plays)
        action = self.before if self.site.world.plays < 2 else self.after
        verdict = Verdict.PASS if action is None else Verdict.FAIL
        check = Check(id="gpu.persistence", verdict=verdict, action=action or Action.NONE)
        return BurnInReport(level="gate", checks=(check,))


def _silent(site: Site, times: int) -> None:
    """The node answers no probe so many times."""
    answering, silences = site.world.collect, [*range(times)]

    async def collect(*args: Any, **named: Any) -> dict[str, bytes]:
        if silences:
            silences.pop()
            raise Unreachable("no answer")
        return await answering(*args, **named)

    site.world.collect = collect  # type: ignore[method-assign]


async def test_a_fault_of_the_configuration_goes_back_to_the_roles_once_and_passes_then() -> None:
    """Persistence was off; the roles run a second time, and the node is judged anew."""
    site = Site()
    judge = _Judge(site, Action.RECONFIGURE, None)
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    assert judge.plays == [1, 1, 2]


async def test_a_fault_that_the_roles_do_not_mend_ends_the_run_after_one_more_try() -> None:
    """Not a third time."""
    site = Site()
    _Judge(site, Action.RECONFIGURE, Action.RECONFIGURE)
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.FAILED
    assert site.world.plays == 2
    assert "reconfigure" in view.status.reason


async def test_a_node_that_answers_nobody_is_not_configured_again() -> None:
    """The probes could not run: nothing is known of it, so nothing is done to it, and it is judged when it answers."""
    site = Site()
    judge = _Judge(site, None, None)
    _silent(site, 2)
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    assert (site.world.plays, judge.plays) == (1, [1])


async def test_what_is_first_seen_when_it_acts_counts_as_much() -> None:
    """The probes could not run at the first look; at the look before the act a GPU is to be replaced: no roles for that."""
    site = Site()
    _Judge(site, Action.RMA, None)
    _silent(site, 1)
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.FAILED
    assert site.world.plays == 1


@pytest.mark.parametrize("action", [Action.RMA, Action.SERVICE, Action.RESET_GPU, Action.REBOOT, Action.RE_CABLE])
async def test_a_fault_of_the_hardware_is_judged_once_and_never_tried_until_it_passes(action: Action) -> None:
    """It would pass the second time; nobody asks a second time."""
    site = Site()
    judge = _Judge(site, action, None)
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.FAILED
    assert judge.plays == [1]
    assert action.value in view.status.reason
