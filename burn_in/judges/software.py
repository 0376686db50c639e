"""Software: exactly what the release names runs, and the next boot will find the same."""

from collections.abc import Callable

from burn_in.bundle import Bundle
from burn_in.judges.verdicts import equal
from burn_in.readers.software import read_driver_in_kernel, read_fabric_manager, read_modules, read_versions
from burn_in.readers.unreadable import Unreadable
from workflows.model.gpu import Modules
from workflows.model.software import Software
from workflows.model.verdict import Action, Check

#: NVIDIA's driver installation guide, *Kernel Modules*.
_LICENCE = {Modules.OPEN: "Dual MIT/GPL", Modules.PROPRIETARY: "NVIDIA"}


def judge_software(wanted: Software, release: str, bundle: Bundle) -> tuple[Check, ...]:
    """What is named is compared; what can't be read is UNKNOWN. ``release`` is where the wish comes from."""
    return (
        *(_driver(wanted, release, bundle) if wanted.driver else ()),
        *(_fabric_manager(wanted, release, bundle) if wanted.fabric_manager else ()),
    )


def _driver(wanted: Software, release: str, bundle: Bundle) -> tuple[Check, ...]:
    running = _read(bundle, "driver in the kernel", read_driver_in_kernel)
    loaded = _read(bundle, "modules", read_modules)
    nouveau = None if loaded is None else "loaded" if "nouveau" in loaded else "not loaded"
    licence = _read(bundle, "licence", str.strip)
    return (
        equal(
            "software.driver.running", "", running.version if running else None, wanted.driver, release, Action.REBOOT
        ),
        equal(
            "software.driver.modules",
            "",
            running.modules.value if running else None,
            wanted.modules.value,
            release,
            Action.REBOOT,
        ),
        equal(
            "software.driver.installed",
            "",
            _versions(bundle, "driver installed"),
            wanted.driver,
            release,
            Action.RECONFIGURE,
        ),
        equal("software.driver.licence", "", licence, _LICENCE[wanted.modules], release, Action.RECONFIGURE),
        equal(
            "software.driver.gpus", "", _versions(bundle, "driver of each GPU"), wanted.driver, release, Action.REBOOT
        ),
        equal("software.nouveau", "", nouveau, "not loaded", "NVIDIA driver installation guide", Action.RECONFIGURE),
    )


def _fabric_manager(wanted: Software, release: str, bundle: Bundle) -> tuple[Check, ...]:
    version = _read(bundle, "Fabric Manager", read_fabric_manager)
    service = bundle.command("Fabric Manager's service")
    state = service.stdout.strip() or None if service is not None else None
    return (
        equal("software.fabric_manager.version", "", version, wanted.fabric_manager, release, Action.RECONFIGURE),
        equal("software.fabric_manager.service", "", state, "active", release, Action.REBOOT),
    )


def _versions(bundle: Bundle, name: str) -> str | None:
    """All versions that a command names, in one text: two of them equal no wish."""
    found = _read(bundle, name, read_versions)
    return None if found is None else " and ".join(found)


def _read[T](bundle: Bundle, name: str, reader: Callable[[str], T]) -> T | None:
    """A command's output through its reader; None where the program is missing, failed, or printed something else."""
    command = bundle.command(name)
    if command is None or not command.whole:
        return None
    try:
        return reader(command.stdout)
    except Unreadable:
        return None
