"""One IPMI call: reads a job from stdin, does it with pyghmi, writes the answer to stdout. Runs as a program of its own.

Imports nothing of bringup's, so that it starts from its path alone. The credential comes by stdin, never by argument or
environment. The kernel's alarm ends it at its deadline, also when pyghmi hangs and when the worker has died.

pyghmi 1.6.19 reads its socket in a thread of its own, and an answer that comes while the other thread is about to wait
for it is not noticed before the next retransmission, 0.5 to 1 s later; on a quick network those are most. So that
thread is never started: this process, which has one session and nothing else to do, reads the socket itself
(``_wait``).
"""

import collections
import itertools
import json
import select
import signal
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from pyghmi import exceptions
from pyghmi.ipmi.command import Command
from pyghmi.ipmi.fru import FRU
from pyghmi.ipmi.private import session

_SERIALS = ("Serial Number", "Chassis serial number")
_DOCUMENTATION = 32473
_FRU_PIECE = 16
_FRU_LIMIT = 1024
_MOST_SENSORS = 300
_SAID = {
    "incorrect password": "password",
    "unauthorized name": "user",
    "unauthorized role": "privilege",
    "invalid role": "privilege",
    "insufficient resources": "limit",
}
"""What pyghmi says (the RAKP status codes of IPMI 2.0, table 13-15), and what of it a caller must tell apart."""

_SILENT = ("", "timeout", "Session no longer connected", "Unable to transmit to specified address")
"""What pyghmi says of a BMC that doesn't answer; whatever else it says is an answer."""

_HEALTH = ("failed", "critical", "warning")


def main() -> None:
    """Do one job: ``{host, port, username, password, seconds, act, value}``."""
    job = json.loads(sys.stdin.buffer.read(65_536))
    answers, sys.stdout = sys.stdout, sys.stderr  # pyghmi prints
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    session.iothread, session.iothreadready, session._io_wait = "not started", True, _wait
    try:
        answer = _do(job)
    except exceptions.UnsupportedFunctionality as error:
        answer = {"error": "unsupported", "text": str(error)}
    except (exceptions.PyghmiException, OSError) as error:
        text = str(error)
        said = next((kind for words, kind in _SAID.items() if words in text.lower()), None)
        silent = isinstance(error, OSError) or text in _SILENT
        answer = {"error": said or ("silent" if silent else "refused"), "text": text}
    answers.write(json.dumps(answer))


def _wait(timeout: float, *_: object) -> None:
    """Wait for an answer, ``timeout`` seconds at most, and take it in; stands for pyghmi's ``_io_wait``."""
    select.select(session.iosockets, (), (), max(timeout, 0))
    session._io_graball(session.iosockets, {})


def _do(job: dict[str, Any]) -> dict[str, Any]:
    command = Command(
        bmc=job["host"], port=job["port"], userid=job["username"], password=job["password"], keepalive=False
    )
    try:
        return _act(command, job["act"], job["value"])
    finally:
        command.ipmi_session.logout()


def _act(command: Command, act: str, value: Any) -> dict[str, Any]:
    if act == "facts":
        return _facts(command)
    if act == "survey":
        return _facts(command) | {"bmc": _revision(command)} | _sensors(command)
    if act == "events":
        return {"events": _events(command, value)}
    if act == "power":
        if command.get_power()["powerstate"] != value:
            command.set_power(value)
    elif act == "boot":
        command.set_bootdev(value, persist=False, uefiboot=True)
    elif act == "reset_bmc":
        command.reset_bmc()
    return {}


def _facts(command: Command) -> dict[str, Any]:
    info = _fru(command)
    return {
        "power": command.get_power()["powerstate"],
        "serial": next((str(info[name]).strip() for name in _SERIALS if info.get(name)), None),
        "uuid": _guid(command),
        "vendor": str(info.get("Manufacturer") or ""),
        "model": str(info.get("Product name") or info.get("Model") or ""),
    } | _boot(command)


def _revision(command: Command) -> str | None:
    """The BMC's firmware revision (Get Device ID; IPMI 2.0, 20.1: the minor part is BCD)."""
    response = command.raw_command(netfn=0x06, command=0x01)
    return None if "error" in response else f"{response['data'][2] & 0x7F}.{response['data'][3]:02x}"


def _sensors(command: Command) -> dict[str, Any]:
    """The sensors that have a reading, and why there are none where they can't be read: a gap, not the report's end."""
    try:
        return {"sensors": list(itertools.islice(_readings(command), _MOST_SENSORS)), "gaps": []}
    except exceptions.PyghmiException as error:
        if str(error) in _SILENT:
            raise
        return {"sensors": [], "gaps": [f"sensors: {error}"]}


def _readings(command: Command) -> Iterator[list[str]]:
    for sensor in command.get_sensor_data():
        if sensor.unavailable:
            continue
        reading = "" if sensor.value is None else f"{sensor.value:g}{sensor.units or ''}"
        state = next((word for bit, word in zip((4, 2, 1), _HEALTH, strict=True) if sensor.health & bit), "ok")
        yield [str(sensor.name), reading or ", ".join(map(str, sensor.states)), state]


def _events(command: Command, limit: int) -> list[list[str]]:
    try:
        newest = collections.deque(command.get_event_log(), maxlen=limit)
    except exceptions.PyghmiException as error:
        if str(error) in _SILENT:
            raise
        raise exceptions.UnsupportedFunctionality(f"its event log can't be read: {error}") from None
    return [
        [
            str(event.get("timestamp") or event.get("timecode") or ""),
            next((w for bit, w in zip((4, 2, 1), _HEALTH, strict=True) if event.get("severity", 0) & bit), "ok"),
            ": ".join(str(event[k]) for k in ("component_type", "component", "event") if event.get(k)),
        ]
        for event in newest
    ]


def _boot(command: Command) -> dict[str, str | None]:
    """The boot flags (IPMI 2.0, table 28-14, parameter 5): network-once, disk, or None for anything else; and their mode.

    Flags whose valid bit is clear were consumed or never set, and the machine follows its own order. OpenIPMI's simulator
    keeps neither that bit nor the one for UEFI; it is known by the enterprise number that RFC 5612 reserves for documents.
    """
    response = command.raw_command(netfn=0x00, command=0x09, data=(5, 0, 0))
    if "error" in response:
        return {"boot": None, "mode": None}
    flags, device = response["data"][2], response["data"][3] >> 2 & 0x0F
    if device in (0, 2) or (not flags & 0x80 and not _is_simulator(command)):
        return {"boot": "disk", "mode": None}
    boot = "network-once" if device == 1 and not flags & 0x40 else None
    return {"boot": boot, "mode": "UEFI" if flags & 0x20 else "Legacy"}


def _is_simulator(command: Command) -> bool:
    response = command.raw_command(netfn=0x06, command=0x01)
    return "error" not in response and int.from_bytes(bytes(response["data"][6:9]), "little") == _DOCUMENTATION


def _fru(command: Command) -> dict[str, Any]:
    """FRU 0, read in pieces that every BMC serves: pyghmi's own pieces of 224 bytes are refused by some (0xC8)."""
    response = command.raw_command(netfn=0x0A, command=0x10, data=[0])
    if "error" in response:
        return {}
    size = min(response["data"][0] | response["data"][1] << 8, _FRU_LIMIT)
    raw = bytearray()
    while len(raw) < size:
        piece = [0, len(raw) & 0xFF, len(raw) >> 8, min(_FRU_PIECE, size - len(raw))]
        response = command.raw_command(netfn=0x0A, command=0x11, data=piece)
        if "error" in response or response["data"][0] == 0:
            break
        raw += bytes(response["data"][1:])
    try:
        return dict(FRU(rawdata=raw).info or {}) if raw else {}
    except (exceptions.PyghmiException, IndexError, ValueError):
        return {}


def _guid(command: Command) -> str | None:
    """The system GUID (IPMI 2.0, 22.14), in SMBIOS's byte order, which is what servers answer."""
    response = command.raw_command(netfn=0x06, command=0x37)
    data = bytes(response.get("data", b""))
    return str(uuid.UUID(bytes_le=data)) if "error" not in response and len(data) == 16 else None


if __name__ == "__main__":
    main()
