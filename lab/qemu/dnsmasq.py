"""Runs dnsmasq in the lab's network, with the configuration that ``boot.dnsmasq`` renders."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from boot.dnsmasq import DhcpSettings, render_config
from boot.templates import environment
from lab.qemu.network import Network
from workflows.model.errors import Refused


@dataclass(frozen=True, slots=True)
class Dnsmasq:
    """A running dnsmasq."""

    process: asyncio.subprocess.Process

    def reload(self) -> None:
        """Make it read its host file again."""
        self.process.send_signal(signal.SIGHUP)


@asynccontextmanager
async def dnsmasq(network: Network, settings: DhcpSettings, directory: Path) -> AsyncIterator[Dnsmasq]:
    """Run it until the block ends; its log is ``dnsmasq.log`` in ``directory``.

    Raises:
        Refused: it ended at once; the message ends with its last words.
    """
    config, log = directory / "dnsmasq.conf", directory / "dnsmasq.log"
    config.write_text(render_config(settings, environment()))
    settings.hosts_file.touch()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *network.inside(
                "dnsmasq", "--keep-in-foreground", "--user=root", f"--conf-file={config}", "--log-facility=-"
            ),
            stdout=output,
            stderr=output,
        )
    try:
        await _started(process, log)
        yield Dnsmasq(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _started(process: asyncio.subprocess.Process, log: Path) -> None:
    for _ in range(200):
        said = await asyncio.to_thread(log.read_text, errors="replace")
        if "started" in said:
            return
        if process.returncode is not None:
            raise Refused(f"dnsmasq ended with {process.returncode}: {said.strip()[-400:]}")
        await asyncio.sleep(0.05)
    raise Refused("dnsmasq did not start within 10 s")
