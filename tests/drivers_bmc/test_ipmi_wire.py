"""What the IPMI driver says on the wire, where the simulator doesn't keep or refuse it: boot flags, cipher suite 0."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pyghmi.ipmi.command import Command

from workflows.drivers.address import BmcAddress
from workflows.drivers.ipmi import child
from workflows.drivers.ipmi.suite_zero import opens_without_password

pytestmark = pytest.mark.fast


class Wire(Command):  # type: ignore[misc]
    """pyghmi's command without a session: notes what it sends, and answers what it is told to."""

    def __init__(self, answer: dict[str, Any]):
        self.sent: list[tuple[int, int, bytes]] = []
        self._answer = answer

    def raw_command(self, netfn: int, command: int, data: Any = (), **_: Any) -> dict[str, Any]:
        self.sent.append((netfn, command, bytes(data)))
        return self._answer

    xraw_command = raw_command


@pytest.mark.parametrize(("device", "flags"), [("network", (5, 0xA0, 0x04)), ("default", (5, 0, 0))])
def test_a_boot_device_is_for_one_boot_and_uefi(device: str, flags: tuple[int, int, int]) -> None:
    """IPMI 2.0, table 28-14, parameter 5: 0x80 valid, 0x40 persistent, 0x20 EFI; device 1 is PXE."""
    wire = Wire({})
    child._act(wire, "boot", device)
    netfn, command, data = wire.sent[-1]
    assert (netfn, command, tuple(data[:3])) == (0x00, 0x08, flags)


def test_a_boot_device_that_is_refused_is_no_success() -> None:
    with pytest.raises(child.exceptions.IpmiException, match="Insufficient privilege"):
        child._act(Wire({"error": "Insufficient privilege level", "code": 0xD4}), "boot", "network")


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ((0xA0, 0x04), ("network-once", "UEFI")),
        ((0x80, 0x04), ("network-once", "Legacy")),
        ((0xE0, 0x04), (None, "UEFI")),
        ((0xA0, 0x18), (None, "UEFI")),
        ((0x20, 0x04), ("disk", None)),
        ((0xA0, 0x08), ("disk", None)),
    ],
)
def test_the_boot_flags_are_read_with_care(flags: tuple[int, int], shown: tuple[str | None, str | None]) -> None:
    found = child._boot(Wire({"data": bytearray([1, 5, *flags, 0, 0, 0, 0, 0, 0, 0])}))
    assert (found["boot"], found["mode"]) == shown


def no_match(request: bytes) -> bytes:
    """No cipher suite match (IPMI 2.0, table 13-15), to the open session request."""
    return request[:5] + b"\x11" + bytes(10) + request[16:17] + b"\x11\0\0"


def opened_then_refused(request: bytes) -> bytes:
    """The session is opened, the name is let in, and the empty proof is refused (invalid integrity check value)."""
    status = 0x0F if request[5] == 0x14 else 0
    return request[:5] + bytes([request[5] + 1]) + bytes(10) + request[16:17] + bytes([status]) + bytes(30)


@pytest.mark.parametrize(
    "answer", [no_match, opened_then_refused, lambda _: b"\x06\0", lambda r: r, lambda _: bytes(60)]
)
async def test_anything_but_a_yes_to_suite_zero_is_a_no(answer: Callable[[bytes], bytes]) -> None:
    class Bmc(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.transport.sendto(answer(data), addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Bmc, local_addr=("127.0.0.1", 0))
    try:
        host, port = transport.get_extra_info("sockname")
        assert await opens_without_password(BmcAddress(host, port), "bringup", 0.05) is False
    finally:
        transport.close()
