"""What kind of BMC it is: the differences between vendors as data, and a few kinds that were seen in the field."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traits:
    """How a lab BMC is built. Times are seconds.

    ``baseboard``: a second System, listed first, that is no machine (HGX boards). ``settings``: boot changes go to the
    settings object only. ``etags``: the boot resource carries an ETag; ``if_match``: a change without it is refused.
    ``action_info``: the allowed Reset values stand behind ``@Redfish.ActionInfo``. ``sessions`` is False for BMCs that
    know basic authentication only. ``power_seconds`` is how long a change of power takes, ``reset_seconds`` how long a
    BMC that was reset answers nothing.
    """

    vendor: str = "Lab"
    model: str = "Lab Server"
    system_id: str = "1"
    baseboard: bool = False
    settings: bool = False
    etags: bool = True
    if_match: bool = False
    action_info: bool = False
    sessions: bool = True
    session_limit: int = 8
    session_idle: float = 1800.0
    power_seconds: float = 0.1
    reset_seconds: float = 0.2
    reset_types: tuple[str, ...] = ("On", "ForceOff", "GracefulShutdown", "ForceRestart")
    boot_targets: tuple[str, ...] = ("None", "Pxe", "Hdd", "UefiHttp")


PLAIN = Traits()
"""The simplest BMC that follows the standard."""

DGX_LIKE = Traits(
    vendor="NVIDIA",
    model="DGXH100",
    system_id="DGX",
    baseboard=True,
    settings=True,
    if_match=True,
    action_info=True,
)
"""As a DGX H100 shows itself: two Systems, a settings object that demands If-Match, ActionInfo."""

GB200_LIKE = Traits(
    vendor="NVIDIA",
    model="GB200 NVL",
    system_id="System_0",
    baseboard=True,
    settings=True,
    etags=False,
    action_info=True,
    reset_types=("ForceOff", "PowerCycle", "GracefulShutdown", "On", "ForceOn", "GracefulRestart", "ForceRestart"),
    boot_targets=("None", "Pxe", "Hdd", "Cd", "Usb"),
)
"""As a GB200 tray shows itself: two Systems, a settings object without ETag, no UefiHttp."""
