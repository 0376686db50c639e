"""One machine's BMC over IPMI, during one claim.

Theory of operation. IPMI has no session that a later owner could end by name, so ``open`` returns None and the engine's
time rule fences the writes: no call outlasts ``timeout``, because its child process is killed then, and ends itself by an
alarm if the worker died meanwhile. Each call is one child and one IPMI session; a call that was cancelled kills its child.
``turn`` bounds how many children there are at a time, of all BMCs together; waiting for it doesn't count against a call.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflows.drivers.address import BmcAddress
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential
from workflows.drivers.ipmi.suite_zero import PORT, opens_without_password
from workflows.engine.ports import BiosFacts, BmcFacts, BootTarget, FirmwareImage, Power, TaskFacts
from workflows.model.errors import AuthenticationFailed, BringupError, Busy, Refused, Unreachable, Unsupported
from workflows.model.hardware import BootShown, Firmware, HardwareReport, LogLine, Sensor, real_serial
from workflows.model.profile import BootWay, Setting

MAX_ANSWER = 1_048_576
PATIENCE = 60.0
"""Seconds for the sensors or the event log of a slow BMC: both read its whole sensor repository first."""

_CHILD = Path(__file__).with_name("child.py")
_WHY = {
    "password": "the password is wrong",
    "user": "it knows no such user, or that user is not enabled for IPMI over LAN",
}
_BOOT = {BootTarget.NETWORK_ONCE: "network", BootTarget.DISK: "default"}


class IpmiBmc:
    """Implements ``OpenedBmc``. ``timeout`` is in seconds and holds for each call as a whole."""

    def __init__(
        self, address: BmcAddress, credential: Credential, breaker: Breaker, timeout: float, turn: asyncio.Semaphore
    ):
        self._address, self._credential, self._breaker, self._timeout = address, credential, breaker, timeout
        self._turn = turn
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
        return self._facts(await self._call("facts"))

    def _facts(self, answer: dict[str, Any]) -> BmcFacts:
        return BmcFacts(
            serial=real_serial(_text(answer.get("serial"))),
            uuid=_text(answer.get("uuid")),
            vendor=_text(answer.get("vendor")) or "",
            model=_text(answer.get("model")) or "",
            power={"on": Power.ON, "off": Power.OFF}.get(str(answer.get("power")), Power.UNKNOWN),
            boot=(boot := BootTarget(answer["boot"]) if answer.get("boot") in set(BootTarget) else None),
            way=BootWay.PXE if boot is BootTarget.NETWORK_ONCE else None,
            ways=(BootWay.PXE,),
        )

    async def power(self, wanted: Power) -> None:
        """Power on or off (hard). Sends nothing where the machine is in that state."""
        self._may_write()
        await self._call("power", wanted.value)

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        """Set the boot override for the next boot, UEFI. IPMI knows PXE alone."""
        self._may_write()
        if way not in (BootWay.PXE, None):
            raise Unsupported(f"{self._name} can't boot by {way}: IPMI knows PXE alone")
        await self._call("boot", _BOOT[target])

    async def reset_bmc(self) -> None:
        """Restart the BMC (cold reset)."""
        self._may_write()
        await self._call("reset_bmc")

    async def survey(self) -> HardwareReport:
        """What IPMI tells of a machine: who it is, how it stands, its sensors; and whether it asks for a password at all."""
        answer = await self._call("survey", seconds=max(self._timeout, PATIENCE))
        facts = self._facts(answer)
        open_door = await opens_without_password(self._address, self._credential.username, self._timeout)
        return HardwareReport(
            protocol="ipmi",
            address=f"{self._address.host}:{self._address.port or PORT}",
            vendor=facts.vendor,
            model=facts.model,
            serial=facts.serial,
            uuid=facts.uuid,
            power=facts.power.value,
            bmc=_text(answer.get("bmc")),
            boot=BootShown(
                target=facts.boot.value if facts.boot is not None else None, mode=answer["mode"], network="PXE"
            ),
            sensors=tuple(Sensor(name=_cut(n), reading=_cut(r), state=s) for n, r, s in answer["sensors"]),
            gaps=tuple(answer["gaps"]),
            findings=(
                f"cipher suite 0 is enabled: whoever reaches {self._address.host} is {self._credential.username} without a "
                "password; disable it in the BMC's IPMI settings",
            )
            if open_door
            else (),
        )

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        """The newest lines of the system event log, oldest first."""
        answer = await self._call("events", limit, seconds=max(self._timeout, PATIENCE))
        return tuple(LogLine(time=t, severity=s, text=_cut(text), log="SEL") for t, s, text in answer["events"])

    async def bios(self) -> BiosFacts:
        """Not with IPMI."""
        raise self._no_baseline()

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        """Not with IPMI."""
        raise self._no_baseline()

    async def firmware(self) -> tuple[Firmware, ...]:
        """Not with IPMI."""
        raise self._no_baseline()

    async def tasks(self) -> tuple[TaskFacts, ...]:
        """Not with IPMI."""
        raise self._no_baseline()

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        """Not with IPMI."""
        raise self._no_baseline()

    def _no_baseline(self) -> Unsupported:
        return Unsupported(f"{self._name}: IPMI knows no BIOS attributes and no firmware: take them out of the sku")

    async def close(self) -> None:
        """Nothing is open between calls."""

    def _may_write(self) -> None:
        if not self._opened:
            raise Refused(f"a write to {self._name} before open(): nothing was sent")

    async def _call(self, act: str, value: str | int | None = None, *, seconds: float | None = None) -> dict[str, Any]:
        job = {
            "host": self._address.host,
            "port": self._address.port or PORT,
            "username": self._credential.username,
            "password": self._credential.password,
            "seconds": seconds or self._timeout,
            "act": act,
            "value": value,
        }
        async with self._turn:
            self._breaker.check(self._credential.username, self._credential.password)
            answer = await self._run(act, json.dumps(job).encode(), seconds or self._timeout)
        if "error" in answer:
            raise self._failure(act, str(answer["error"]), _text(answer.get("text")) or "no answer")
        return answer

    def _failure(self, act: str, error: str, text: str) -> BringupError:
        if error in ("password", "user"):
            refused = self._breaker.refused(self._credential.username, self._credential.password)
            return AuthenticationFailed(f"{refused} ({_WHY[error]})")
        if error == "privilege":
            return Refused(
                f"{self._name}: {self._credential.username} may not be administrator over LAN ({text}): raise its level"
            )
        if error == "limit":
            return Busy(f"{self._name} has no session left ({text}): others must end, or time out, first")
        if error == "silent":
            return Unreachable(
                f"{self._name} did not answer {act} on UDP port {self._address.port or PORT} ({text}): is IPMI over LAN "
                "enabled?"
            )
        if error == "unsupported":
            return Unsupported(f"{self._name} can't {act}: {text}")
        return Refused(f"{self._name} refused {act}: {text}")

    async def _run(self, act: str, job: bytes, seconds: float) -> dict[str, Any]:
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
            async with asyncio.timeout(seconds):
                output, _ = await child.communicate(job)
        except TimeoutError:
            raise Unreachable(f"{self._name} did not finish {act} within {seconds:g} s") from None
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
    return _cut(value) or None if isinstance(value, str) else None


def _cut(text: str) -> str:
    return "".join(c for c in text[:200] if c.isprintable())
