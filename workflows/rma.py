"""``rma``: a board or a part was replaced; a person approves old against new, and the inventory learns it. Wipes nothing.

What proves the machine again is a run of its own, made from the corrected record: the re-image
that ``choose_workflow`` lets follow.
"""

from workflows.engine.workflow import Workflow

RMA = Workflow(
    name="rma",
    about="compare the machine behind the BMC with what was known of it, and take over what a person approves",
    steps=("compare", "take_over"),
)
