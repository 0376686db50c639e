"""The installed system of a simulated machine: what its boot leaves on its files, and its word to the boot service."""

import asyncio
import json
from pathlib import Path

from lab.rack.host_key import NAME
from lab.rack.wire import Wire
from workflows.model.errors import Refused, Transient

_PAUSE_S = 1.0


# The machine's own hardware, whatever host it is simulated on: a PCI bus with a bridge and a disk, no GPU, no driver.
_PCI = {"0000:00:00.0": ("0x8086", "0x060000"), "0000:00:01.0": ("0x1af4", "0x010000")}
_PCI_LISTING = "\n".join(
    f"/sys/bus/pci/devices/{address}/{name}:{value}"
    for address, values in _PCI.items()
    for name, value in zip(("vendor", "class"), values, strict=True)
)
_GREP = f"""case "$*" in
*/sys/class/*) exit 1 ;;
"-H "*/dev/null) echo '{_PCI_LISTING}' ;;
*) PATH=/usr/bin:/bin exec grep "$@" ;;
esac
"""


def prepare(root: Path, boot_id: str, root_uuid: str) -> None:
    """What the kernel shows, and programs that would ask the host's kernel if they were not the machine's own."""
    _write(root / "proc/sys/kernel/random/boot_id", f"{boot_id}\n", 0o644)
    programs = {"findmnt": f"echo {root_uuid}\n", "sync": "", "grep": _GREP, "nvidia-smi": "exit 127\n"}
    for name, script in programs.items():
        _write(root / "bin" / name, f"#!/bin/sh\n{script}", 0o755)


async def phone_home(root: Path, boot_id: str, root_uuid: str, wire: Wire) -> None:
    """Tell the boot service until it listens; a refusal is the end of it, as with the unit of a real node."""
    settings = json.loads((root / "etc/bringup/phone-home.json").read_text())
    wire.trust((root / "etc/bringup/ca.pem").read_bytes())
    body = {
        "token": settings["token"],
        "boot_id": boot_id,
        "host_key": (root / "etc/ssh" / f"{NAME}.pub").read_text().strip(),
        "root_uuid": root_uuid,
    }
    while True:
        try:
            await wire.post(settings["url"], body)
        except Transient:
            await asyncio.sleep(_PAUSE_S)
        except Refused:
            return
        else:
            return


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
