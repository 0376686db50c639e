"""What kind of BMC it is: the differences between vendors as data. The kinds themselves are in ``lab.bmc.profiles``."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Parts:
    """What the machine is made of, and where its BMC shows it.

    ``gpus_at``: Processors of the System, of the GPU baseboard, or PCIe devices of the chassis. ``drives_at``: below
    Storage, or SimpleStorage alone, which has no serials. Each memory module has 64 GiB. ``{}`` in a pattern is the
    number, from ``first`` on.
    """

    gpus: int = 0
    gpu_model: str = "H100 80GB HBM3"
    gpu_id: str = "GPU_{}"
    gpus_at: Literal["processors", "baseboard", "pcie"] = "processors"
    nics: int = 0
    nic_model: str = "MCX75310AAS-NEAT"
    nic_id: str = "NIC{}"
    drives: int = 0
    drive_model: str = "SAMSUNG MZ1L21T9HCLS-00A07"
    drive_id: str = "Disk.Bay.{}"
    drives_at: Literal["storage", "simple"] = "storage"
    dimms: int = 2
    dimm_place: str = "P1-DIMM{}"
    psus: int = 2
    first: int = 1
    firmware: tuple[tuple[str, str], ...] = (("BMC", "1.0"), ("BIOS", "1.0"))


@dataclass(frozen=True, slots=True)
class Traits:
    """How a lab BMC is built. Times are seconds.

    Who it says it is: ``vendor`` and ``model`` stand on the System unless ``serial_at`` is ``chassis``, where the
    System shows neither them nor a serial; ``root_vendor`` and ``oem`` stand in the service root.

    ``baseboard``: a second System, listed first, that is no machine (HGX boards). ``settings``: boot changes go to
    the settings object only, named ``settings_id``. ``etags``: the boot resource carries an ETag, ``weak`` one that
    its own If-Match refuses; ``if_match``: a change without it is refused. ``mode_falls_back``: an override that
    comes without a mode is a legacy one. ``action_info``: the allowed Reset values stand behind
    ``@Redfish.ActionInfo``.

    ``sessions`` is False for BMCs that know basic authentication only. ``lock_after`` wrong passwords the account is
    locked for ``lock_seconds``; ``login_refusal`` is the status that a wrong one gets. ``resets_reused``: the second
    request on a connection is met with a reset. ``power_seconds`` is how long a change of power takes,
    ``post_seconds`` how long the machine is in POST afterwards, in which a boot change gets ``post_refusal`` (a
    message id). ``jobs``: a BIOS change is a job that waits for the next boot, and until it is done changes get
    ``job_refusal``. ``reset_seconds`` is how long a BMC that was reset answers nothing, ``update_seconds`` how long a
    firmware update takes; ``push`` is how images get in.
    """

    vendor: str = "Lab"
    model: str = "Lab Server"
    serial_at: Literal["SerialNumber", "SKU", "chassis"] = "SerialNumber"
    root_vendor: str | None = "Lab"
    oem: str | None = None
    system_id: str = "1"
    manager_id: str = "BMC"
    chassis_id: str = "1"
    log_id: str = "SEL"
    baseboard: bool = False
    settings: bool = False
    settings_id: str = "Settings"
    etags: bool = True
    weak: bool = False
    if_match: bool = False
    mode_falls_back: bool = False
    action_info: bool = False
    sessions: bool = True
    session_limit: int = 8
    session_idle: float = 1800.0
    lock_after: int = 0
    lock_seconds: float = 30.0
    login_refusal: int = 401
    resets_reused: bool = False
    power_seconds: float = 0.1
    post_seconds: float = 0.0
    post_refusal: str = ""
    jobs: bool = False
    job_refusal: str = ""
    reset_seconds: float = 0.2
    update_seconds: float = 0.3
    push: tuple[Literal["simple", "multipart"], ...] = ("simple", "multipart")
    reset_types: tuple[str, ...] = ("On", "ForceOff", "GracefulShutdown", "ForceRestart")
    boot_targets: tuple[str, ...] = ("None", "Pxe", "Hdd", "UefiHttp")
    parts: Parts = Parts()


PLAIN = Traits()
"""The simplest BMC that follows the standard."""
