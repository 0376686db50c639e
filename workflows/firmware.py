"""``firmware``: a node's BIOS and firmware are brought to its profile's baseline, drained, with one power cycle at most."""

from workflows.engine.workflow import BASELINE, Workflow

FIRMWARE = Workflow(
    name="firmware",
    about="drain a node, bring its firmware and BIOS attributes to the baseline, and give it back; disks are kept",
    steps=("identify", "inspect", "drain", "confirm_idle", *BASELINE, "return_to_service"),
)
