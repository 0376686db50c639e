"""One IPMI call: reads a job from stdin, does it with pyghmi, writes the answer to stdout. Runs as a program of its own.

Imports nothing of bringup's, so that it starts from its path alone. The credential comes by stdin, never by argument or
environment. The kernel's alarm ends it at its deadline, also when pyghmi hangs and when the worker has died.
"""

import json
import signal
import sys
import uuid
from typing import Any

from pyghmi import exceptions
from pyghmi.ipmi.command import Command

_SERIALS = ("Serial Number", "Chassis serial number")
_WRONG = ("password", "unauthorized name", "authentication")


def main() -> None:
    """Do one job: ``{host, port, username, password, seconds, act, value}``."""
    job = json.loads(sys.stdin.buffer.read(65_536))
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    try:
        answer = _do(job)
    except exceptions.UnsupportedFunctionality as error:
        answer = {"error": "unsupported", "text": str(error)}
    except (exceptions.PyghmiException, OSError) as error:
        text = str(error)
        wrong = any(word in text.lower() for word in _WRONG)
        answer = {"error": "authentication" if wrong else "refused" if getattr(error, "ipmicode", 0) else "silent"}
        answer["text"] = text
    sys.stdout.write(json.dumps(answer))


def _do(job: dict[str, Any]) -> dict[str, Any]:
    command = Command(
        bmc=job["host"], port=job["port"], userid=job["username"], password=job["password"], keepalive=False
    )
    try:
        return _act(command, job["act"], job["value"])
    finally:
        command.ipmi_session.logout()


def _act(command: Command, act: str, value: str | None) -> dict[str, Any]:
    if act == "facts":
        return _facts(command)
    if act == "power":
        if command.get_power()["powerstate"] != value:
            command.set_power(value)
    elif act == "boot":
        command.set_bootdev(value, persist=False, uefiboot=True)
    elif act == "reset_bmc":
        command.reset_bmc()
    return {}


def _facts(command: Command) -> dict[str, Any]:
    fru = command.get_inventory_of_component("System") or {}
    boot = command.get_bootdev()
    return {
        "power": command.get_power()["powerstate"],
        "boot": str(boot.get("bootdev")),
        "persistent": bool(boot.get("persistent")),
        "serial": next((str(fru[name]).strip() for name in _SERIALS if fru.get(name)), None),
        "uuid": _uuid(fru.get("UUID")),
        "vendor": str(fru.get("Manufacturer") or ""),
        "model": str(fru.get("Product name") or fru.get("Model") or ""),
    }


def _uuid(value: object) -> str | None:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        return None


if __name__ == "__main__":
    main()
