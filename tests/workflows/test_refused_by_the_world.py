"""What a BMC or a machine refuses reaches the node's status as one sentence, with nothing done and nothing lost."""

from collections.abc import Callable

import pytest

from tests.fakes.world import World, WorldBmc
from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.engine.ports import BmcFacts
from workflows.model.desired import BmcTarget
from workflows.model.errors import AuthenticationFailed, BringupError, Refused
from workflows.model.grant import Grant, GrantState, Report
from workflows.model.profile import BmcProtocol
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

PASSWORD = AuthenticationFailed("bmc-7 refused the credential of root: correct the secret, then retry")
CERTIFICATE = Refused("bmc-7 shows a certificate that is not trusted: give its authority (ca) in the secret")
SECRET = Refused("there is no secret bmc/default in /etc/bringup/secrets: put its fields into bmc/default.yaml there")


class RefusingBmc(WorldBmc):
    """A BMC that refuses every read."""

    def __init__(self, world: World, error: BringupError):
        super().__init__(world)
        self.error = error

    async def facts(self) -> BmcFacts:
        raise self.error


def refusing(world: World, error: BringupError) -> Callable[[BmcTarget, BmcProtocol], WorldBmc]:
    return lambda target, protocol: RefusingBmc(world, error)


@pytest.mark.parametrize("error", [PASSWORD, CERTIFICATE, SECRET], ids=["password", "certificate", "secret"])
async def test_what_the_bmc_refuses_is_the_status_and_nothing_was_done(
    error: BringupError, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site()
    with monkeypatch.context() as patched:
        patched.setattr(site.world, "connect", refusing(site.world, error))
        await site.want()
        view = await site.tend()
        assert str(error) in view.status.reason
        assert view.status.next_action == "mend what failed, then retry"
        assert (site.world.writes, site.world.boots, site.world.wipes) == (0, 0, 0)
        assert await site.store.list("grant.>") == []
    await site.until_settled(hours=1)
    answer = await site.command("retry")
    assert answer.accepted, answer
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE, "nothing was lost: corrected, it goes on"


async def test_what_the_agent_reports_as_failed_is_the_status_and_the_run_ends() -> None:
    said = f"the image's hash is {'0' * 64}, the release says {'b' * 64}"
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    [value] = await site.store.list("grant.>")
    failed = Grant.decode(value.data or b"").to(GrantState.REPORTED, report=Report(ok=False, message=said))
    await site.store.put(value.key, failed.encode(), expect=value.seq)
    view = await site.until_settled()
    assert (view.status.state, view.status.accepted_run) == (NodeState.FAILED, "")
    assert said in view.status.reason
    assert view.status.next_action == "mend what failed, then retry"


@pytest.mark.parametrize("verb", ["provision", "reimage", "adopt"])
async def test_a_record_with_a_problem_refuses_each_command_with_its_sentence(verb: str) -> None:
    problem = "it has no serial number: the machine that answers could not be told from another"
    site = Site(wish=desired(problems=(problem,)))
    await site.want()
    outcome = await site.command(verb)
    assert (outcome.accepted, outcome.nodes[0].text) == (False, problem)
    view = await site.tend()
    assert (view.run, view.status.reason, site.world.writes) == (None, problem, 0)
