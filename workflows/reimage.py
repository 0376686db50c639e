"""``reimage``: a node that was in service is wiped and installed again, after a person approved exactly that.

It leaves service first: the scheduler gives it no new jobs, and what runs there ends by itself.
"""

from workflows.engine.workflow import BASELINE, Workflow

REIMAGE = Workflow(
    name="reimage",
    about="drain a node that was in service, wipe its system disk, install it again, prove it, and give it back",
    steps=(
        "identify",
        "inspect",
        "drain",
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
        "return_to_service",
    ),
)
