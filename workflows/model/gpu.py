"""GPU models: what each demands of the software on its node. Pure data, by the name that a sku's ``gpu_model`` gives.

Sources. Open and proprietary modules: NVIDIA's driver installation guide, *Kernel Modules* (open from Turing on, the
default from 560); the open ones are required from Blackwell on (NVIDIA, *transitions fully towards open-source GPU kernel
modules*). Last branch of Volta: NVIDIA's UNIX deprecation schedule. First branches: release notes of the data-center
driver in which the GPU first stands; HGX B200 needs 570.133.20 (GPU Operator, *Platform support*). Fabric Manager, the
NVLink subnet manager and IMEX: Fabric Manager user guide. Not yet proven on hardware.
"""

from dataclasses import dataclass
from enum import StrEnum


class Fabric(StrEnum):
    """What joins the GPUs of a node, by what has to run there for it."""

    NONE = "none"
    NVSWITCH = "Fabric Manager"
    NVLINK5 = "Fabric Manager and the NVLink subnet manager"
    RACK = "IMEX; Fabric Manager runs on the rack's switches"


class Modules(StrEnum):
    """Which of NVIDIA's two sets of kernel modules drives the GPU."""

    OPEN = "open"
    PROPRIETARY = "proprietary"


@dataclass(frozen=True, slots=True)
class Generation:
    """An architecture: the driver branches that know it, both ends included, and the modules that drive it."""

    name: str
    first_branch: int
    last_branch: int | None = None
    modules: tuple[Modules, ...] = (Modules.OPEN, Modules.PROPRIETARY)


@dataclass(frozen=True, slots=True)
class GpuModel:
    """One model. ``first_driver`` is set where the generation's first branch is too coarse."""

    generation: Generation
    fabric: Fabric = Fabric.NONE
    first_driver: str = ""


_VOLTA = Generation("Volta", 418, 580, (Modules.PROPRIETARY,))
_AMPERE = Generation("Ampere", 450)
_ADA = Generation("Ada", 525)
_HOPPER = Generation("Hopper", 525)
_BLACKWELL = Generation("Blackwell", 570, modules=(Modules.OPEN,))
_BLACKWELL_ULTRA = Generation("Blackwell Ultra", 580, modules=(Modules.OPEN,))

GPU_MODELS = {
    "v100-sxm": GpuModel(_VOLTA),
    "v100-pcie": GpuModel(_VOLTA),
    "a100-sxm-40gb": GpuModel(_AMPERE, Fabric.NVSWITCH),
    "a100-sxm-80gb": GpuModel(_AMPERE, Fabric.NVSWITCH),
    "a100-pcie": GpuModel(_AMPERE),
    "l4": GpuModel(_ADA),
    "l40s": GpuModel(_ADA),
    "h100-sxm": GpuModel(_HOPPER, Fabric.NVSWITCH),
    "h100-pcie": GpuModel(_HOPPER),
    "h200-sxm": GpuModel(_HOPPER, Fabric.NVSWITCH, "550.54"),
    "h200-nvl": GpuModel(_HOPPER, first_driver="550.54"),
    "b200-sxm": GpuModel(_BLACKWELL, Fabric.NVLINK5, "570.133.20"),
    "b300-sxm": GpuModel(_BLACKWELL_ULTRA, Fabric.NVLINK5),
    "gb200": GpuModel(_BLACKWELL, Fabric.RACK),
    "gb300": GpuModel(_BLACKWELL_ULTRA, Fabric.RACK),
}
