"""``provision``: a node that was never in service becomes a proven one."""

from workflows.engine.workflow import BASELINE, Workflow

PROVISION = Workflow(
    name="provision",
    about="install the release's image on the system disk, configure it, and prove the node",
    steps=(
        "identify",
        "inspect",
        "confirm_idle",
        *BASELINE,
        "power_off",
        "set_boot",
        "netboot",
        "power_on",
        "deploy",
        "reach",
        "configure",
        "reboot",
        "verify_software",
        "burn_in",
        "register",
    ),
)
