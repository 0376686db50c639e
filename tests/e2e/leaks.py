"""Whether a secret of a whole run was ever an argument of a process, or lies in anything that the run left behind.

The secrets are those in the site's files (BMC password, NATS seeds, NetBox token, webhook and token key, the SSH key by
its lines). Witnesses are the kernel's list of processes, looked at all the time, and ``grep`` over every file of the site:
logs, the JetStream store, data directories, the machine's disks and its console.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from workflows.drivers.secrets import read_secret_file

_SECRET_FIELDS = frozenset({"password", "token", "key", "seed"})
_LOOK_SECONDS = 0.2


def planted(secrets: Path) -> set[bytes]:
    """Every secret of a site; of an SSH key, each line but the first, which all such keys have, a node's own too."""
    found = set()
    for file in secrets.rglob("*.yaml"):
        for name, value in read_secret_file(file, file.name).items():
            if name in _SECRET_FIELDS:
                lines = [line.strip().encode() for line in value.splitlines() if not line.startswith("-----")]
                found.update(lines[1:] or lines)
    assert len(found) >= 10, "a site has more secrets than these"
    return found


@asynccontextmanager
async def watched_arguments(secrets: set[bytes]) -> AsyncIterator[set[str]]:
    """Names of the processes whose command line ever held a secret."""
    guilty: set[str] = set()

    async def look() -> None:
        while True:
            guilty.update(await asyncio.to_thread(_with_secret, secrets))
            await asyncio.sleep(_LOOK_SECONDS)

    watching = asyncio.create_task(look())
    try:
        yield guilty
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def files_with_secret(directory: Path, secrets: set[bytes], *, but: set[str]) -> list[str]:
    """Files below ``directory`` that hold a secret, binary ones too, without the files and folders called so."""
    patterns = directory.parent / f"{directory.name}.patterns"
    patterns.write_bytes(b"\n".join(sorted(secrets)) + b"\n")
    excluded = [f"--exclude{kind}={name}" for name in sorted(but) for kind in ("", "-dir")]
    grep = await asyncio.create_subprocess_exec(
        "grep", "--recursive", "--text", "--fixed-strings", "--files-with-matches", f"--file={patterns}", *excluded,
        ".", cwd=directory, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await grep.communicate()
    patterns.unlink()
    assert grep.returncode in (0, 1), "grep could not read everything"
    return said.decode().splitlines()


def _with_secret(secrets: set[bytes]) -> set[str]:
    guilty = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if any(secret in line for secret in secrets):
                guilty.add(line.split(b"\0")[0].decode(errors="replace"))
    return guilty
