"""Protections around what a machine is made of and who it is: the SKU gate, replaced boards, what NetBox learns."""

from tests.mutations.mutation import Mutation

_RMA = "tests/workflows/test_rma.py::"

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
        '    if succeeded and run.has("register"):\n',
        "    if succeeded:\n",
        f"{_RMA}test_where_nothing_differs_nobody_is_asked_and_the_node_stays_in_service",
    ),
)
