"""``reimage``: a node that was in service is wiped and installed again, after a person approved exactly that."""

from workflows.engine.workflow import Workflow
from workflows.provision import PROVISION

REIMAGE = Workflow(
    name="reimage",
    about="wipe the system disk of a node that was in service, install it again, and prove it",
    steps=PROVISION.steps,
)
