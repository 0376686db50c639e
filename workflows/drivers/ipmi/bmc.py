"""One machine's BMC over IPMI, during one claim.

Theory of operation. IPMI has no session that a later owner could end by name, so ``open`` returns None and the engine's
time rule fences the writes: no call outlasts ``timeout``, because its child process is killed then, and ends itself by an
alarm if the worker died meanwhile. Each call is one child and one IPMI session; a call that was cancelled kills its child.
"""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from workflows.drivers.address import BmcAddress
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential
from workflows.engine.ports import BmcFacts, BootTarget, Power
from workflows.model.errors import Refused, Unreachable, Unsupported

PORT = 623
MAX_ANSWER = 65_536
_CHILD = Path(__file__).with_name("child.py")
_BOOT = {BootTarget.NETWORK_ONCE: "network", BootTarget.DISK: "default"}


class IpmiBmc:
    """Implements ``Bmc``. ``timeout`` is in seconds and holds for each call as a whole."""

    def __init__(self, address: BmcAddress, credential: Credential, breaker: Breaker, timeout: float):
        self._address, self._credential, self._breaker, self._timeout = address, credential, breaker, timeout
        self._name = f"BMC {address.host} (IPMI)"
        self._opened = False

    async def open(self) -> str | None:
        """Permit writes; IPMI knows no session that could be ended by name: the time rule holds."""
        self._opened = True
        return None

    async def end_session(self, uri: str) -> None:
        """Not with IPMI: a session named by an earlier claim was another protocol's."""
        raise Unsupported(
            f"{self._name} has no session {uri[:200]}: the sku's BMC protocol was changed; wait and retry"
        )

    async def facts(self) -> BmcFacts:
        """Read serial and UUID (FRU, GUID), power and boot override. IPMI tells no MACs."""
        answer = await self._call("facts")
        return BmcFacts(
            serial=_text(answer.get("serial")),
            uuid=_text(answer.get("uuid")),
            vendor=_text(answer.get("vendor")) or "",
            model=_text(answer.get("model")) or "",
            power={"on": Power.ON, "off": Power.OFF}.get(str(answer.get("power")), Power.UNKNOWN),
            boot=BootTarget(answer["boot"]) if answer.get("boot") in set(BootTarget) else None,
        )

    async def power(self, wanted: Power) -> None:
        """Power on or off (hard). Sends nothing where the machine is in that state."""
        self._may_write()
        await self._call("power", wanted.value)

    async def boot(self, target: BootTarget) -> None:
        """Set the boot override for the next boot, UEFI."""
        self._may_write()
        await self._call("boot", _BOOT[target])

    async def reset_bmc(self) -> None:
        """Restart the BMC (cold reset)."""
        self._may_write()
        await self._call("reset_bmc")

    async def close(self) -> None:
        """Nothing is open between calls."""

    def _may_write(self) -> None:
        if not self._opened:
            raise Refused(f"a write to {self._name} before open(): nothing was sent")

    async def _call(self, act: str, value: str | None = None) -> dict[str, Any]:
        self._breaker.check(self._credential.username, self._credential.password)
        job = {
            "host": self._address.host,
            "port": self._address.port or PORT,
            "username": self._credential.username,
            "password": self._credential.password,
            "seconds": self._timeout,
            "act": act,
            "value": value,
        }
        answer = await self._run(act, json.dumps(job).encode())
        error, text = answer.get("error"), _text(answer.get("text")) or "no answer"
        if error == "authentication":
            raise self._breaker.refused(self._credential.username, self._credential.password)
        if error == "silent":
            raise Unreachable(f"{self._name} did not answer {act}: {text}")
        if error == "unsupported":
            raise Unsupported(f"{self._name} can't {act}: {text}")
        if error is not None:
            raise Refused(f"{self._name} refused {act}: {text}")
        return answer

    async def _run(self, act: str, job: bytes) -> dict[str, Any]:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath},
        )
        try:
            async with asyncio.timeout(self._timeout):
                output, _ = await child.communicate(job)
        except TimeoutError:
            raise Unreachable(f"{self._name} did not finish {act} within {self._timeout:g} s") from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        try:
            answer = json.loads(output[:MAX_ANSWER])
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unreachable(f"{self._name}: the IPMI call {act} ended without an answer (exit {child.returncode})")
        return answer


def _text(value: object) -> str | None:
    return "".join(c for c in value[:200] if c.isprintable()) or None if isinstance(value, str) else None
