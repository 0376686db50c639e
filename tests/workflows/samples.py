"""Records that several tests of the engine need; plain values, no behaviour."""

from datetime import UTC, datetime, timedelta

from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.workflow import steps_for
from workflows.model.desired import Address, BmcTarget, Desired, Intent, Interface
from workflows.model.profile import DiskHint, FirmwareRule, Image, Profile, Release, Sku
from workflows.model.run import Run, StepRef

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

IMAGE = Image(
    name="debian", sha256="a" * 64, size=100, raw_size=1000, raw_sha256="b" * 64, root_uuid="11111111-2222-3333"
)
PROFILE = Profile(
    sku=Sku(name="lab", system_disk=DiskHint(serial="SYS")), release=Release(name="r1", image=IMAGE), won_by="test"
)

#: The same sku with a baseline: two firmware in their order, and one BIOS attribute.
BASELINED = PROFILE.model_copy(
    update={
        "sku": PROFILE.sku.model_copy(
            update={
                "bios": {"SriovGlobalEnable": "Enabled"},
                "firmware": tuple(
                    FirmwareRule(
                        component=name, version="2.0", image=f"http://images/{name.lower()}-2.0.bin", sha256="f" * 64
                    )
                    for name in ("BMC", "BIOS")
                ),
            }
        )
    }
)


def desired(name: str = "gpu-001", **changes: object) -> Desired:
    """A node that can be served: staged, with serial, BMC, boot MAC, address and profile."""
    number = int(name[-3:]) if name[-3:].isdigit() else 1
    fields: dict[str, object] = {
        "node": f"lab.nb-{number}",
        "generation": 1,
        "name": name,
        "status": "staged",
        "intent": Intent.SERVE,
        "serial": f"SN{number}",
        "rack": "R12",
        "bmc": BmcTarget(address=f"http://127.0.0.1:{9000 + number}"),
        "interfaces": (
            Interface(
                name="eth0",
                mac=f"52:54:00:00:00:{number:02x}",
                addresses=(Address(cidr=f"10.77.0.{number}/24", primary=True),),
            ),
        ),
        "profile": PROFILE,
    }
    return Desired.model_validate(fields | changes)


def run(cause: str = "g1", workflow: str = "provision", **changes: object) -> Run:
    """A run of the real workflow for that node."""
    wish = desired()
    fields: dict[str, object] = {
        "node": wish.node,
        "cause": cause,
        "workflow": workflow,
        "steps": tuple(StepRef(name=n, version=STEPS[n].version) for n in steps_for(WORKFLOWS[workflow], PROFILE)),
        "desired": wish,
    }
    return Run.model_validate(fields | changes)
