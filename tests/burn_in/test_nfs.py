"""The lab's NFS server serves its export to a client that speaks the protocol. Source of the call: RFC 7530, RFC 5531."""

import asyncio
import shutil
import struct
from pathlib import Path

import pytest

from lab.nfs import NfsServer, free_port

pytestmark = pytest.mark.real
_PUTROOTFH, _LOOKUP, _GETFH = 24, 15, 10


def _lookup(name: bytes) -> bytes:
    """A COMPOUND of NFSv4.0: the root, this name, its handle; as root with AUTH_SYS."""
    credential = struct.pack(">II", 0, 0) + struct.pack(">I", 0) + struct.pack(">III", 0, 0, 0)
    call = struct.pack(">IIIIII", 7, 0, 2, 100003, 4, 1)
    call += struct.pack(">II", 1, len(credential)) + credential + struct.pack(">II", 0, 0)
    padded = name + b"\0" * (-len(name) % 4)
    call += struct.pack(">III", 0, 0, 3)
    call += struct.pack(">I", _PUTROOTFH) + struct.pack(">II", _LOOKUP, len(name)) + padded + struct.pack(">I", _GETFH)
    return struct.pack(">I", 0x80000000 | len(call)) + call


async def _status(port: int, name: bytes) -> int:
    """The status of the compound: 0 is found, 2 is no such name."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_lookup(name))
        (length,) = struct.unpack(">I", await reader.readexactly(4))
        reply = await reader.readexactly(length & 0x7FFFFFFF)
        xid, kind, accepted, _, _, answered, status = struct.unpack(">IIIIIII", reply[:28])
        assert (xid, kind, accepted, answered) == (7, 1, 0, 0)
        return int(status)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def server(tmp_path: Path) -> NfsServer:
    """A server over an empty directory."""
    if shutil.which("ganesha.nfsd") is None:
        pytest.skip("needs the packages nfs-ganesha nfs-ganesha-vfs")
    (tmp_path / "exported").mkdir()
    return NfsServer(tmp_path, tmp_path / "exported", free_port())


async def test_export_is_served(server: NfsServer) -> None:
    """``/data`` is there, another name is not."""
    async with server:
        assert await _status(server.port, b"data") == 0
        assert await _status(server.port, b"other") == 2


async def test_frozen_server_answers_nobody_until_it_thaws(server: NfsServer) -> None:
    """What a hung mount is made of."""
    async with server:
        server.freeze()
        asked = asyncio.create_task(_status(server.port, b"data"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asked), 0.5)
        server.thaw()
        assert await asked == 0
