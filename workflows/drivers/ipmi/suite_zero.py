"""Whether a BMC opens an IPMI session without a password: cipher suite 0 (IPMI 2.0, 13.17 to 13.23 and table 22-20).

Suite 0 has no authentication: whoever knows a user's name is that user. The only proof is to be let in, so this does the
handshake with an empty proof (RAKP message 3 without a code), and ends the session that it was given. No password is
sent, and nothing is asked in that session. Anything but a well-formed yes counts as a no.
"""

import asyncio
import os
import struct

from workflows.drivers.address import BmcAddress

PORT = 623
_TRIES = 2
_ADMINISTRATOR = 4
_OPEN, _OPEN_ANSWER, _RAKP1, _RAKP2, _RAKP3, _RAKP4 = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
_CLOSE_SESSION = 0x3C


async def opens_without_password(address: BmcAddress, username: str, timeout: float) -> bool:
    """Whether suite 0 lets this user in as administrator. ``timeout`` is in seconds, for the whole; silence is a no."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            transport, talk = await loop.create_datagram_endpoint(
                _Talk, remote_addr=(address.host, address.port or PORT)
            )
            try:
                return await _let_in(talk, username.encode()[:16], timeout)
            finally:
                transport.close()
    except (OSError, TimeoutError):
        return False


class _Talk(asyncio.DatagramProtocol):
    """Asks one question at a time and waits for the answer of its kind."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.put_nowait(data)

    def send(self, kind: int, payload: bytes, session: int = 0, sequence: int = 0) -> None:
        assert self.transport is not None
        header = struct.pack("<BBIIH", 0x06, kind, session, sequence, len(payload))
        self.transport.sendto(b"\x06\x00\xff\x07" + header + payload)

    async def ask(self, kind: int, payload: bytes, answer: int, patience: float) -> bytes:
        """The payload of an answer that says yes; empty where it says no."""
        for _ in range(_TRIES):
            self.send(kind, payload)
            try:
                async with asyncio.timeout(patience / (_TRIES + 1)):
                    while True:
                        data = await self.answers.get()
                        if len(data) >= 24 and data[4] == 0x06 and data[5] & 0x3F == answer and data[16] == payload[0]:
                            return data[16:] if data[17] == 0 else b""
            except TimeoutError:
                continue
        return b""


async def _let_in(talk: _Talk, username: bytes, timeout: float) -> bool:
    console = struct.unpack("<I", os.urandom(4))[0] | 1
    algorithms = b"".join(struct.pack("<BBBBBBBB", kind, 0, 0, 8, 0, 0, 0, 0) for kind in (0, 1, 2))
    opened = await talk.ask(
        _OPEN, struct.pack("<BBHI", 1, _ADMINISTRATOR, 0, console) + algorithms, _OPEN_ANSWER, timeout
    )
    if len(opened) < 12:
        return False
    session = struct.unpack_from("<I", opened, 8)[0]
    who = struct.pack("<BBBB", 0x10 | _ADMINISTRATOR, 0, 0, len(username)) + username
    if not await talk.ask(_RAKP1, struct.pack("<BBHI", 2, 0, 0, session) + os.urandom(16) + who, _RAKP2, timeout):
        return False
    if not await talk.ask(_RAKP3, struct.pack("<BBHI", 3, 0, 0, session), _RAKP4, timeout):
        return False
    talk.send(0x00, _command(_CLOSE_SESSION, struct.pack("<I", session)), session, 1)
    return True


def _command(command: int, data: bytes) -> bytes:
    """A request of the application's network function to the BMC (IPMI 2.0, 13.8)."""
    head = bytes([0x20, 0x06 << 2])
    body = bytes([0x81, 0x04, command]) + data
    return head + bytes([-sum(head) & 0xFF]) + body + bytes([-sum(body) & 0xFF])
