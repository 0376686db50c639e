"""``adopt``: a node that is already in service is taken in by BMC reads alone."""

from workflows.engine.workflow import Workflow

ADOPT = Workflow(
    name="adopt",
    about="compare the machine behind the BMC with the inventory and take it in as it is; nothing is touched",
    steps=("identify", "inspect", "register"),
)
