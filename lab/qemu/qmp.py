"""QEMU's machine protocol, as much as the lab needs: one command at a time over its Unix socket.

Source: QEMU's *QMP Protocol Specification*: a greeting, ``qmp_capabilities``, then one JSON object a line; events come
in between and are skipped.
"""

import asyncio
import json
from pathlib import Path

from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json

_PATIENCE_S = 20.0
_LINE_LIMIT = 1 << 20


async def ask(path: Path, *commands: tuple[str, dict[str, Json]]) -> list[Json]:
    """Run commands in order; returns what each returned.

    Raises:
        Unreachable: no QEMU answers there within 20 s.
        Refused: QEMU refused a command.
    """
    reader, writer = await connect(path)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return [await _one(reader, writer, *command) for command in commands]
    except (OSError, TimeoutError) as error:
        raise _no_answer(path, error) from None
    finally:
        writer.close()


async def connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A monitor that takes commands and sends its events, one JSON object a line.

    Raises:
        Unreachable: no QEMU answers there within 20 s.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=_LINE_LIMIT)
            try:
                await reader.readline()
                await _one(reader, writer, "qmp_capabilities", {})
            except BaseException:
                writer.close()
                raise
    except (OSError, TimeoutError) as error:
        raise _no_answer(path, error) from None
    return reader, writer


def _no_answer(path: Path, error: Exception) -> Unreachable:
    return Unreachable(f"no QEMU answers at {path}: {error!r}")


async def _one(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, arguments: dict[str, Json]
) -> Json:
    writer.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
    await writer.drain()
    while line := await reader.readline():
        answer = json.loads(line)
        if "return" in answer:
            returned: Json = answer["return"]
            return returned
        if "error" in answer:
            raise Refused(f"QEMU refused {name}: {answer['error'].get('desc')}")
    raise ConnectionResetError("QEMU closed the connection")
