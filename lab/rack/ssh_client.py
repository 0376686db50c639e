"""Stands in for the ssh binary where machines are simulated: ``python ssh_client.py SOCKETS [ssh's own arguments]``.

It takes ssh's arguments as Ansible and the driver write them, looks for the machine at ``SOCKETS/<address>``, compares the
host key with the known one, shows the public half of its key, and runs one command. Exit 255 with one line on stderr
where ssh would say so. Standard library only, and no package of ours: it starts in milliseconds.
"""

import base64
import json
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import BinaryIO, NoReturn

_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_MAGIC = b"openssh-key-v1\0"


def main(sockets: Path, arguments: list[str]) -> int:
    """One command on one machine; its exit status."""
    options, address, command = parse(arguments)
    path = sockets / address
    with socket.socket(socket.AF_UNIX) as wire:
        try:
            wire.connect(str(path))
        except OSError as error:
            fail(f"connect to host {address} port {options.get('port', '22')}: {error.strerror}")
        stream = wire.makefile("rb")
        known = Path(options["userknownhostsfile"].split()[0])
        check_host_key(json.loads(stream.readline())["host_key"], known, options.get("hostkeyalias", address))
        asked = {
            "user": options.get("user", "root"),
            "key": public_half(Path(options["identityfile"])),
            "command": command,
        }
        wire.sendall(json.dumps(asked).encode() + b"\n")
        threading.Thread(target=feed, args=(wire,), daemon=True).start()
        return follow(stream, address)


def parse(arguments: list[str]) -> tuple[dict[str, str], str, str]:
    """Options by lower-case name, the host, and the command."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag == "--":
            break
        if flag[1] not in _WITH_VALUE:
            continue
        value = flag[2:] or rest.pop(0)
        if flag[1] == "o":
            name, _, text = value.partition("=")
            options.setdefault(name.strip().lower(), text.strip().strip('"'))
        elif flag[1] in "ilp":
            options.setdefault({"i": "identityfile", "l": "user", "p": "port"}[flag[1]], value)
    if not rest:
        fail("no host is named")
    return options, rest[0].rpartition("@")[2], " ".join(rest[1:])


def check_host_key(shown: str, known: Path, alias: str) -> None:
    """End here unless this very key is known for the alias."""
    for line in known.read_text().splitlines():
        name, _, key = line.partition(" ")
        if alias in name.split(",") and key.split()[:2] == shown.split()[:2]:
            return
    fail(f"Host key verification failed: {shown} is not the key known for {alias}.")


def public_half(file: Path) -> str:
    """The public key that stands in the clear in an OpenSSH private key file, in base64 (PROTOCOL.key of OpenSSH)."""
    body = "".join(line for line in file.read_text().split("\n") if not line.startswith("-----"))
    data = base64.b64decode(body).removeprefix(_MAGIC)
    for _ in range(3):
        data = data[4 + struct.unpack(">I", data[:4])[0] :]
    data = data[4:]
    return base64.b64encode(data[4 : 4 + struct.unpack(">I", data[:4])[0]]).decode()


def feed(wire: socket.socket) -> None:
    """Send stdin until it ends."""
    try:
        while data := os.read(0, 1 << 16):
            wire.sendall(data)
        wire.shutdown(socket.SHUT_WR)
    except OSError:
        return


def follow(stream: BinaryIO, address: str) -> int:
    """Pass frames on until the exit status comes."""
    while True:
        head = stream.read(5)
        if len(head) < 5:
            fail(f"Connection to {address} closed by remote host.")
        channel, length = struct.unpack(">BI", head)
        data = stream.read(length)
        if channel == 3:
            status: int = struct.unpack(">i", data)[0]
            return status if status >= 0 else 128 - status
        while data:
            data = data[os.write(channel, data) :]


def fail(message: str) -> NoReturn:
    """Ssh's own failures end with 255."""
    os.write(2, f"ssh: {message}\n".encode())
    os._exit(255)


if __name__ == "__main__":
    # A thread may still wait for stdin: leave without waiting for it.
    os._exit(main(Path(sys.argv[1]), sys.argv[2:]))
