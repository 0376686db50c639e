"""The installed system of a simulated machine: what its boot leaves on its files, and its word to the boot service."""

import asyncio
import json
from pathlib import Path

from lab.rack.host_key import NAME
from lab.rack.wire import Wire
from workflows.model.errors import Refused, Transient

_PAUSE_S = 1.0


def prepare(root: Path, boot_id: str, root_uuid: str) -> None:
    """What the kernel shows, and programs that would ask the host's kernel if they were not the machine's own."""
    _write(root / "proc/sys/kernel/random/boot_id", f"{boot_id}\n", 0o644)
    _write(root / "bin/findmnt", f"#!/bin/sh\necho {root_uuid}\n", 0o755)
    _write(root / "bin/sync", "#!/bin/sh\n", 0o755)


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
