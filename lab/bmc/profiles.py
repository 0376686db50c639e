"""Lab BMCs that behave like a named vendor's.

``dgx-h100``, ``supermicro-sys-821ge-tnhr`` and ``gb200`` have the shapes of the trees that were recorded from such machines
(NVIDIA/libredfish, MIT). The ``synthetic-…`` ones are made up by the vendors' public documentation and by what drivers'
sources say of them; nobody here has seen such a BMC.
"""

from lab.bmc.traits import Parts, Traits

DGX_H100 = Traits(
    vendor="NVIDIA",
    model="DGXH100",
    root_vendor="AMI",
    oem="Ami",
    system_id="DGX",
    chassis_id="DGX",
    baseboard=True,
    settings=True,
    settings_id="SD",
    if_match=True,
    action_info=True,
    session_idle=30.0,
    lock_after=5,
    push=("simple", "multipart"),
    boot_targets=("None", "Pxe", "Floppy", "Cd", "Usb", "Hdd", "BiosSetup", "UefiShell", "UefiHttp"),
    parts=Parts(
        gpus=8,
        gpu_id="GPU_SXM_{}",
        gpus_at="baseboard",
        nics=12,
        nic_id="DevType7_NIC{}",
        drives=10,
        drive_id="NVMe_Device{}_NSID1",
        drives_at="simple",
        firmware=(("HostBIOS_0", "01.01.03"), ("HostBMC_0", "23.11.20"), ("HGX_FW_BMC_0", "HGX-22.10-1")),
    ),
)

SUPERMICRO = Traits(
    vendor="Supermicro",
    model="SYS-821GE-TNHR",
    root_vendor=None,
    oem="Supermicro",
    manager_id="1",
    log_id="Log1",
    action_info=True,
    mode_falls_back=True,
    session_idle=300.0,
    lock_after=3,
    reset_types=(
        "On",
        "ForceOff",
        "GracefulShutdown",
        "GracefulRestart",
        "ForceRestart",
        "Nmi",
        "ForceOn",
        "PowerCycle",
    ),
    boot_targets=("None", "Pxe", "Floppy", "Cd", "Usb", "Hdd", "BiosSetup", "UsbCd", "UefiBootNext", "UefiHttp"),
    parts=Parts(
        gpus=8,
        gpu_id="GPU{}",
        gpus_at="pcie",
        nics=10,
        nic_id="{}",
        drives=8,
        drive_model="MZQL27T6HBLA-00A07",
        firmware=(("BMC", "11.01.01"), ("BIOS", "1.4"), ("CPLD_Motherboard", "F0.0A.41")),
    ),
)

GB200 = Traits(
    vendor="NVIDIA",
    model="GB200 NVL",
    serial_at="chassis",
    root_vendor="NVIDIA",
    system_id="System_0",
    manager_id="BMC_0",
    chassis_id="Chassis_0",
    baseboard=True,
    settings=True,
    etags=False,
    action_info=True,
    reset_types=("ForceOff", "PowerCycle", "GracefulShutdown", "On", "ForceOn", "GracefulRestart", "ForceRestart"),
    boot_targets=("None", "Pxe", "Hdd", "Cd", "Diags", "BiosSetup", "Usb"),
    push=("multipart",),
    parts=Parts(
        gpus=4,
        gpu_model="GB200 186GB HBM3e",
        gpus_at="baseboard",
        nics=6,
        nic_model="P4768-B01",
        nic_id="IO_Board_{}_CX7",
        drives=9,
        drive_model="SAMSUNG MZTL23T8HCLS-00A07",
        drive_id="20{}",
        first=0,
        firmware=(("FW_BMC_0", "GB200Nvl-24.12-8"), ("UEFI", "02.03.13"), ("CX7_0", "28.42.1234")),
    ),
)

DELL = Traits(
    vendor="Dell Inc.",
    model="PowerEdge XE9680",
    serial_at="SKU",
    root_vendor="Dell",
    oem="Dell",
    system_id="System.Embedded.1",
    manager_id="iDRAC.Embedded.1",
    chassis_id="System.Embedded.1",
    log_id="Sel",
    jobs=True,
    job_refusal="IDRAC.2.9.SYS011",
    reset_types=(
        "On",
        "ForceOff",
        "ForceRestart",
        "GracefulRestart",
        "GracefulShutdown",
        "PushPowerButton",
        "Nmi",
        "PowerCycle",
    ),
    boot_targets=("None", "Pxe", "Floppy", "Cd", "Hdd", "BiosSetup", "Utilities", "UefiTarget", "SDCard", "UefiHttp"),
    parts=Parts(
        gpus=8,
        gpu_id="Video.Slot.2{}-1",
        nics=10,
        nic_id="NIC.Slot.{}-1",
        drives=10,
        drive_id="Disk.Bay.{}:Enclosure.Internal.0-1",
        first=0,
        firmware=(("Installed-0-7.10.30.00", "7.10.30.00"), ("Installed-159-2.1.2__BIOS.Setup.1-1", "2.1.2")),
    ),
)
"""Eight sessions, jobs (SYS011), PXE or UefiHttp: sushy's ``oem/dell``, dell/iDRAC-Redfish-Scripting, quads issue 726."""

HPE = Traits(
    vendor="HPE",
    model="ProLiant XL675d Gen10 Plus",
    root_vendor="HPE",
    oem="Hpe",
    manager_id="1",
    log_id="IML",
    weak=False,
    login_refusal=400,
    resets_reused=True,
    post_seconds=0.3,
    post_refusal="iLO.2.14.UnableToModifyDuringSystemPOST",
    reset_types=("On", "ForceOff", "GracefulShutdown", "ForceRestart", "Nmi", "PushPowerButton", "GracefulRestart"),
    boot_targets=(
        "None",
        "Cd",
        "Hdd",
        "Usb",
        "SDCard",
        "Utilities",
        "Diags",
        "BiosSetup",
        "Pxe",
        "UefiShell",
        "UefiHttp",
    ),
    parts=Parts(gpus=8, gpu_id="4{}", gpus_at="pcie", nics=4, nic_id="DC08000{}", drives=4, drive_id="{}"),
)
"""POST refusals, reset connections, 400 for a wrong password, no PowerCycle: HPE's iLO messages and API reference."""

LENOVO = Traits(
    vendor="Lenovo",
    model="ThinkSystem SR675 V3",
    root_vendor="Lenovo",
    oem="Lenovo",
    manager_id="1",
    log_id="PlatformLog",
    weak=True,
    if_match=True,
    lock_after=5,
    reset_types=("On", "Nmi", "GracefulShutdown", "GracefulRestart", "ForceOn", "ForceOff", "ForceRestart"),
    boot_targets=("None", "Pxe", "Cd", "Usb", "Hdd", "BiosSetup", "Diags", "UefiTarget"),
    parts=Parts(gpus=8, gpu_id="slot_{}", gpus_at="pcie", nics=3, nic_id="slot-{}", drives=4, drive_id="Disk.{}"),
)
"""Weak ETags that If-Match refuses (sushy, ``_etag_handler``), no PowerCycle: Lenovo's XCC REST API guide."""

OPENBMC = Traits(
    vendor="OpenBMC",
    model="Reference Server",
    root_vendor="OpenBMC",
    system_id="system",
    manager_id="bmc",
    chassis_id="chassis",
    log_id="EventLog",
    etags=False,
    action_info=True,
    session_limit=64,
    reset_types=(
        "ForceOff",
        "PowerCycle",
        "Nmi",
        "GracefulShutdown",
        "On",
        "ForceOn",
        "GracefulRestart",
        "ForceRestart",
    ),
    boot_targets=("None", "Pxe", "Hdd", "Cd", "Diags", "BiosSetup", "Usb"),
    push=("multipart",),
    parts=Parts(nics=2, drives=2),
)
"""What bmcweb offers, read in its sources."""

PROFILES: dict[str, Traits] = {
    "dgx-h100": DGX_H100,
    "supermicro-sys-821ge-tnhr": SUPERMICRO,
    "gb200": GB200,
    "synthetic-dell-xe9680": DELL,
    "synthetic-hpe-xl675d": HPE,
    "synthetic-lenovo-sr675": LENOVO,
    "synthetic-openbmc": OPENBMC,
}
