"""Protections around what a machine is made of and who it is: the SKU gate, replaced boards, what NetBox learns."""

from tests.mutations.mutation import Mutation

_RMA = "tests/workflows/test_rma.py::"
_RARE = (
    "tests/safety/test_crash_everywhere.py::test_hit_at_every_ninth_point_a_rare_workflow_ends_as_if_it_had_not_been"
)

MACHINE = (
    Mutation(
        "a machine that lacks a part is not wiped",
        ("L10",),
        "workflows/steps/inspect.py",
        '        if lacks and ctx.run.has("netboot"):\n',
        "        if False:\n",
        "tests/workflows/test_inspect.py::test_a_machine_that_lacks_a_gpu_is_not_wiped_and_goes_on_when_it_is_there",
    ),
    Mutation(
        "a part that the BMC shows no link of is too slow",
        ("L10",),
        "workflows/model/sku_gate.py",
        '        return f"{rule.kind} {part.where} shows no PCIe link, {wanted} is demanded"\n',
        '        return ""\n',
        "tests/workflows/test_sku_gate.py::test_what_the_bmc_does_not_show_is_missing",
    ),
    Mutation(
        "a replaced board is taken over by a person's word only",
        ("16",),
        "workflows/steps/compare.py",
        "        if found.follows and not ctx.approves(digest):\n",
        "        if False:\n",
        f"{_RMA}test_a_new_board_is_approved_taken_over_and_re_imaged_under_its_new_name",
    ),
    Mutation(
        "what is taken over is what was approved",
        ("16",),
        "workflows/steps/compare.py",
        "    seen = [ctx.run.digest(), found.lines(), found.follows]\n",
        "    seen = [ctx.run.digest()]\n",
        f"{_RMA}test_what_changed_between_the_question_and_the_answer_is_asked_again",
    ),
    Mutation(
        "another node's machine is not taken over",
        ("16",),
        "workflows/steps/compare.py",
        "        await _nobody_elses(ctx, report)\n",
        "",
        f"{_RMA}test_a_machine_that_is_another_nodes_is_never_taken_over",
    ),
    Mutation(
        "a node whose parts were replaced is proven again before it serves",
        ("L10", "16"),
        "workflows/engine/shown.py",
        '    accepted = succeeded and run.has("register")\n',
        "    accepted = succeeded\n",
        f"{_RMA}test_where_nothing_differs_nobody_is_asked_and_the_node_stays_in_service",
    ),
    Mutation(
        "a re-image that was denied proves nothing",
        ("L10", "16"),
        "workflows/engine/shown.py",
        '    follows = "" if accepted else unproven or before.follows\n',
        "    follows = unproven\n",
        f"{_RMA}test_a_re_image_that_is_denied_or_cancelled_leaves_the_machine_unproven_until_one_accepts_it",
    ),
    Mutation(
        "an update that is under way is found by its task",
        ("2",),
        "workflows/steps/firmware.py",
        "        if wanted.rule is None or await _task(ctx, wanted):\n",
        "        if wanted.rule is None:\n",
        f"{_RARE}[firmware-kill-after]",
    ),
    Mutation(
        "an update of an earlier try is not forgotten",
        ("2",),
        "workflows/steps/firmware.py",
        "        if isinstance(first, dict):\n            return first\n",
        "",
        "tests/workflows/test_firmware.py::test_an_update_that_waits_for_a_boot_is_not_forgotten_by_a_try_that_failed",
    ),
    Mutation(
        "an update that failed is not repeated by itself",
        ("15",),
        "workflows/steps/firmware.py",
        '            raise NeedsHuman(f"the update of',
        '            raise Transient(f"the update of',
        "tests/workflows/test_firmware.py::test_an_update_that_fails_asks_a_person_and_is_not_repeated_by_itself",
    ),
    Mutation(
        "of one rack one node's firmware is updated at a time",
        ("17",),
        "workflows/engine/caps.py",
        "    return flashing, of_rack, window\n",
        "    return of_rack, window\n",
        "tests/workflows/test_firmware.py::test_of_one_rack_only_one_node_is_updated_at_a_time",
    ),
    Mutation(
        "an image is compared with its hash before it is sent",
        ("L10",),
        "workflows/drivers/images.py",
        "        if found.hexdigest() != sha256:\n",
        "        if False:\n",
        "tests/drivers_bmc/test_baseline.py::test_an_image_that_is_another_or_is_not_there_is_not_sent",
    ),
)
