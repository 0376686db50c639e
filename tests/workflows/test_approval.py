"""Approval: bound to what was seen, for a time, and by another person where four eyes are asked for."""

from datetime import timedelta

import pytest

from tests.workflows.samples import PROFILE, desired, run
from tests.workflows.site import Site
from workflows.engine.ports import Message
from workflows.model.desired import BmcTarget, Desired
from workflows.model.profile import DiskHint
from workflows.model.run import StepRef
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

ANN = {"ann": ("@ann:chat.example", "Ann Smith")}
FOUR_EYES = SiteSettings(site="lab", mode=Mode.AUTOMATIC, four_eyes=True, persons=ANN)


def wish(**changes: object) -> Desired:
    return desired(**changes)


@pytest.mark.parametrize(
    "changed",
    [
        {"cause": "c7"},
        {"workflow": "reimage"},
        {"steps": (StepRef(name="identify", version=99),)},
        {"desired": wish(serial="OTHER")},
        {"desired": wish(uuid="4c4c4544-0000-0000-0000-000000000000")},
        {"desired": wish(bmc=BmcTarget(address="10.0.0.9"))},
        {"desired": wish(interfaces=())},
        {
            "desired": wish(
                profile=PROFILE.model_copy(
                    update={
                        "release": PROFILE.release.model_copy(
                            update={"image": PROFILE.release.image.model_copy(update={"sha256": "c" * 64})}
                        )
                    }
                )
            )
        },
        {
            "desired": wish(
                profile=PROFILE.model_copy(
                    update={"sku": PROFILE.sku.model_copy(update={"system_disk": DiskHint(wwn="0x5000")})}
                )
            )
        },
    ],
    ids=["cause", "workflow", "step version", "serial", "uuid", "bmc", "boot macs", "image", "disk"],
)
def test_anything_else_than_what_was_seen_has_another_digest(changed: dict[str, object]) -> None:
    seen = run(desired=wish())
    assert run(**({"desired": wish()} | changed)).digest() != seen.digest()


def test_fields_can_not_be_shifted_into_each_other() -> None:
    assert run(desired=wish(serial="A|B", uuid="C")).digest() != run(desired=wish(serial="A", uuid="B|C")).digest()


def test_what_does_not_touch_the_machine_does_not_void_it() -> None:
    assert run(desired=wish(generation=9, rack="R13")).digest() == run(desired=wish()).digest()


async def waiting_for_approval(settings: SiteSettings, who: str = "ann", body: bytes | None = None) -> Site:
    site = Site(wish=desired(status="active"), settings=settings)
    await site.want()
    outcome = await site.command("reimage", body or b'{"select": "gpu-001"}', who=who)
    assert outcome.accepted, outcome
    assert (await site.tend()).status.digest
    return site


@pytest.mark.parametrize(
    ("who", "body"),
    [
        ("ann", b'{"select": "gpu-001"}'),
        ("Ann", b'{"select": "gpu-001"}'),
        ("bot", b'{"select": "gpu-001", "for": "@ann:chat.example"}'),
        ("sync", b'{"select": "gpu-001", "for": "ann smith"}'),
        ("bot", b'{"select": "gpu-001"}'),
    ],
    ids=["login", "case", "chat", "netbox", "no person at all"],
)
async def test_one_person_by_two_ways_in_is_refused_where_it_was_sent(who: str, body: bytes) -> None:
    site = await waiting_for_approval(FOUR_EYES)
    outcome = await site.command("approve", body, who=who)
    assert not outcome.accepted
    assert "four eyes" in outcome.nodes[0].text
    assert (await site.tend()).status.state is NodeState.PARKED
    assert site.world.wipes == 0


async def test_the_requester_by_chat_may_not_approve_by_login_but_another_may() -> None:
    site = await waiting_for_approval(FOUR_EYES, "bot", b'{"select": "gpu-001", "for": "@ann:chat.example"}')
    assert not (await site.command("approve", who="ann")).accepted
    assert (await site.command("approve", who="bob")).accepted
    assert (await site.tend()).status.state is NodeState.IN_SERVICE


async def test_an_approval_that_nobody_took_up_in_its_time_is_void() -> None:
    site = await waiting_for_approval(SiteSettings(site="lab", mode=Mode.AUTOMATIC, approval_hours=1))
    assert (await site.command("approve")).accepted
    await site.clock.advance(timedelta(hours=1))
    view = await site.tend()
    assert (view.status.state, site.world.wipes) == (NodeState.PARKED, 0)
    assert (await site.command("approve")).accepted
    assert (await site.tend()).status.state is NodeState.IN_SERVICE


async def test_an_approval_that_names_another_digest_is_refused_where_it_was_sent() -> None:
    site = await waiting_for_approval(SiteSettings(site="lab", mode=Mode.AUTOMATIC))
    body = b'{"select": "gpu-001", "digest": "%s"}' % (b"0" * 64)
    outcome = await site.take(Message("command.bob.approve.lab", body, 900, site.clock.now()))
    assert not outcome.accepted
    assert "look again" in outcome.nodes[0].text
