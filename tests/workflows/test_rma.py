"""``rma``: a person's word for exactly what is there, the inventory follows, and only then a re-image proves it."""

import pytest

from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.engine.look import View
from workflows.model.desired import Intent
from workflows.model.hardware import Gpu
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def in_service() -> Site:
    site = Site()
    site.world.hardware = site.world.hardware.model_copy(
        update={"gpus": tuple(Gpu(name=f"GPU_{n}", serial=f"G{n}", place=f"SXM{n}") for n in (1, 2))}
    )
    await site.want()
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    await site.want(desired(status="active"))
    return site


async def asked(site: Site) -> View:
    assert (await site.command("rma")).accepted
    return await site.tend()


async def test_a_new_board_is_approved_taken_over_and_re_imaged_under_its_new_name() -> None:
    site = await in_service()
    site.world.serial = "SN1-B"
    view = await asked(site)
    assert (view.status.state, view.status.step) == (NodeState.PARKED, "compare")
    assert "serial SN1 → SN1-B" in view.status.reason
    assert (await site.command("approve", who="bob")).accepted
    view = await site.tend()
    assert (view.status.state, view.status.step) == (NodeState.WAITING, "take_over")
    assert [str(c) for c in view.status.identity] == ["serial SN1 → SN1-B"]
    assert site.world.wipes == 1
    await site.write_back()
    view = await site.tend()
    assert (view.status.workflow, view.status.state, view.status.cause) == ("reimage", NodeState.PARKED, "f101")
    assert view.status.digest
    assert (await site.command("approve", who="bob")).accepted
    view = await site.until_settled()
    assert (view.status.state, view.status.accepted_run) == (NodeState.IN_SERVICE, f"{site.wish.node}.f101")
    assert [w.serial for w in site.world.wiped] == ["SN1", "SN1-B"]


async def test_what_changed_between_the_question_and_the_answer_is_asked_again() -> None:
    site = await in_service()
    site.world.serial = "SN1-B"
    first = (await asked(site)).status.digest
    await site.command("approve", who="bob")
    site.world.serial = "SN1-C"
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "SN1-C" in view.status.reason
    assert view.status.digest not in ("", first)
    assert view.status.identity == ()


async def test_a_denied_one_leaves_node_and_record_as_they_were() -> None:
    site = await in_service()
    site.world.serial = "SN1-B"
    await asked(site)
    assert (await site.command("deny", who="bob")).accepted
    view = await site.until_settled()
    assert (view.status.state, view.status.outcome, view.status.identity) == (NodeState.IN_SERVICE, "denied", ())
    assert (site.world.wipes, view.status.follows) == (1, "")


async def test_a_re_image_that_is_denied_or_cancelled_leaves_the_machine_unproven_until_one_accepts_it() -> None:
    site = await in_service()
    site.world.serial = "SN1-B"
    await asked(site)
    await site.command("approve", who="bob")
    await site.tend()
    await site.write_back()
    assert (await site.tend()).status.cause == "f101"
    await site.command("deny", who="bob")
    view = await site.until_settled()
    assert (view.status.outcome, view.status.state, view.status.follows) == ("denied", NodeState.FAILED, "reimage")
    await site.command("retry")
    await site.tend()
    await site.command("cancel")
    assert (await site.until_settled()).status.state is NodeState.FAILED
    await site.command("retry")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert (view.status.state, view.status.follows) == (NodeState.IN_SERVICE, "")


async def test_a_spare_in_the_inventory_is_nobodys_machine() -> None:
    site = await in_service()
    spare = desired("gpu-002", intent=Intent.NOT_OURS, status="inventory")
    await site.store.put(f"desired.{spare.node}", spare.encode(), expect=0)
    site.world.serial = "SN2"
    assert "serial SN1 → SN2" in (await asked(site)).status.reason


async def test_a_machine_that_is_another_nodes_is_never_taken_over() -> None:
    site = await in_service()
    other = desired("gpu-002")
    await site.store.put(f"desired.{other.node}", other.encode(), expect=0)
    site.world.serial = "sn2"
    view = await asked(site)
    assert (view.status.state, view.status.digest) == (NodeState.PARKED, "")
    assert "which is gpu-002's" in view.status.reason


@pytest.mark.parametrize("serial", ["Default string", "To be filled by O.E.M.", "0000000"])
async def test_a_serial_that_names_no_machine_is_no_identity(serial: str) -> None:
    site = await in_service()
    site.world.serial = serial
    view = await asked(site)
    assert (view.status.state, view.status.digest) == (NodeState.PARKED, "")
    assert "no serial that names a machine" in view.status.reason


async def test_swapped_gpus_alone_change_no_record_and_are_proven_again() -> None:
    site = await in_service()
    gpus = site.world.hardware.gpus
    swapped = (gpus[0].model_copy(update={"serial": "G9"}), gpus[1])
    site.world.hardware = site.world.hardware.model_copy(update={"gpus": swapped})
    view = await asked(site)
    assert "gpu SXM1: G1 before, G9 now" in view.status.reason
    await site.command("approve", who="bob")
    view = await site.tend()
    assert (view.status.workflow, view.status.cause) == ("reimage", "f101")


async def test_where_nothing_differs_nobody_is_asked_and_the_node_stays_in_service() -> None:
    site = await in_service()
    await asked(site)
    view = await site.until_settled()
    assert (view.status.outcome, view.status.state, view.status.follows) == ("succeeded", NodeState.IN_SERVICE, "")
    assert view.status.accepted_run == f"{site.wish.node}.g1"


async def test_in_an_observing_site_the_record_is_taken_over_and_nothing_follows() -> None:
    site = await in_service()
    site.settings = SiteSettings(site="lab", mode=Mode.OBSERVE)
    site.world.serial = "SN1-B"
    await asked(site)
    await site.command("approve", who="bob")
    await site.tend()
    await site.write_back()
    view = await site.tend()
    assert (view.status.state, view.status.follows) == (NodeState.FAILED, "reimage")
    assert site.world.wipes == 1
