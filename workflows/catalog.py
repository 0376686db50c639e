"""Every step and every workflow that this version knows."""

from workflows.adopt import ADOPT
from workflows.engine.step import Step, Steps
from workflows.engine.workflow import Workflow
from workflows.firmware import FIRMWARE
from workflows.provision import PROVISION
from workflows.reimage import REIMAGE
from workflows.rma import RMA
from workflows.steps.apply_baseline import ApplyOff, ApplyOn
from workflows.steps.bios import SetBios
from workflows.steps.burn_in import BurnIn
from workflows.steps.check_baseline import CheckBaseline
from workflows.steps.compare import Compare
from workflows.steps.configure import Configure
from workflows.steps.confirm_idle import ConfirmIdle
from workflows.steps.deploy import Deploy
from workflows.steps.drain import Drain
from workflows.steps.firmware import UpdateFirmware
from workflows.steps.identify import Identify
from workflows.steps.inspect import Inspect
from workflows.steps.netboot import Netboot
from workflows.steps.power_off import PowerOff
from workflows.steps.power_on import PowerOn
from workflows.steps.reach import Reach
from workflows.steps.reboot import Reboot
from workflows.steps.register import Register
from workflows.steps.return_to_service import ReturnToService
from workflows.steps.set_boot import SetBoot
from workflows.steps.take_over import TakeOver
from workflows.steps.verify_software import VerifySoftware

_ALL: tuple[Step, ...] = (
    Identify(),
    Inspect(),
    Drain(),
    ConfirmIdle(),
    PowerOff(),
    SetBoot(),
    Netboot(),
    PowerOn(),
    Deploy(),
    Reach(),
    Configure(),
    Reboot(),
    VerifySoftware(),
    BurnIn(),
    Register(),
    ReturnToService(),
    Compare(),
    TakeOver(),
    UpdateFirmware(),
    SetBios(),
    ApplyOff(),
    ApplyOn(),
    CheckBaseline(),
)
STEPS: Steps = {step.name: step for step in _ALL}
WORKFLOWS: dict[str, Workflow] = {w.name: w for w in (PROVISION, REIMAGE, ADOPT, RMA, FIRMWARE)}
