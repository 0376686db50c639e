"""Enough of iPXE to run the boot service's own scripts: labels, loops, ``&&`` and ``||``, download, boot, exit.

Source: ipxe.org, *Scripting* and the command reference. What it does not know it refuses aloud, so that a script that
uses more than this is noticed here and not on a real machine.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from workflows.model.errors import Unreachable, Unsupported

_STEPS = 2000
_JOINED = re.compile(r"\s(&&|\|\|)(?:\s|$)")
_VARIABLE = re.compile(r"\$\{([\w/]+)(:uristring)?\}")

type Fetch = Callable[[str], Awaitable[bytes]]
type Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that is to be booted, with its arguments."""

    arguments: dict[str, str]


@dataclass(frozen=True, slots=True)
class LocalDisk:
    """The script ended in the machine's own disk: by ``sanboot``, or by leaving iPXE."""


class _Left(Exception):
    def __init__(self, end: Kernel | LocalDisk):
        self.end = end


@dataclass(slots=True)
class Firmware:
    """One network boot. ``variables`` are the machine's settings (``serial``, ``uuid``, ``netX/mac``, ``platform``)."""

    fetch: Fetch
    sleep: Sleep
    variables: dict[str, str]
    _kernel: dict[str, str] | None = field(default=None)

    async def run(self, url: str) -> Kernel | LocalDisk:
        """Fetch a script and run it to its end.

        Raises:
            Unsupported: the script uses a command that isn't known here, or never ends.
        """
        try:
            script = await self.fetch(url)
            await self._script(script.decode())
        except Unreachable:
            pass
        except _Left as left:
            return left.end
        return LocalDisk()

    async def _script(self, text: str) -> bool:
        lines = text.splitlines()
        if not lines or lines[0] != "#!ipxe":
            raise Unsupported("the boot service's answer is no iPXE script")
        at = 0
        for _ in range(_STEPS):
            if at >= len(lines):
                return True
            line, at = lines[at].strip(), at + 1
            if not line or line[0] in "#:":
                continue
            went_well, label = await self._line(line)
            if label is not None:
                at = next((i for i, other in enumerate(lines) if other.strip() == f":{label}"), len(lines))
            elif not went_well:
                return False
        raise Unsupported(f"the script has not ended after {_STEPS} lines")

    async def _line(self, line: str) -> tuple[bool, str | None]:
        """Whether it went well, and the label that it goes to."""
        parts = _JOINED.split(f"{line} ")
        went_well = True
        for joint, command in zip(["&&", *parts[1::2]], parts[::2], strict=True):
            if went_well != (joint == "&&"):
                continue
            words = [self._expand(word) for word in command.split()]
            if words[:1] == ["goto"]:
                return True, words[1]
            went_well = await self._command(words)
        return went_well, None

    async def _command(self, words: list[str]) -> bool:
        arguments = [word for word in words[1:] if not word.startswith("--")]
        match words[:1]:
            case []:
                pass
            case ["set"]:
                self.variables[arguments[0].split(":")[0]] = " ".join(arguments[1:])
            case ["inc"]:
                self.variables[arguments[0]] = str(int(self.variables.get(arguments[0]) or 0) + 1)
            case ["iseq"]:
                return len(arguments) == 2 and arguments[0] == arguments[1]
            case ["sleep"]:
                await self.sleep(float(arguments[0]))
            case ["imgfree"]:
                self._kernel = None
            case ["kernel"]:
                self._kernel = dict(word.partition("=")[::2] for word in arguments[1:])
                return await self._load(arguments[0])
            case ["initrd"]:
                return await self._load(arguments[0])
            case ["chain"]:
                return await self._chain(arguments[0], replace="--replace" in words)
            case ["boot"]:
                if self._kernel is not None:
                    raise _Left(Kernel(self._kernel))
                return False
            case ["sanboot"] | ["exit"]:
                raise _Left(LocalDisk())
            case _:
                raise Unsupported(f"the lab's iPXE has no command {words[0]!r}")
        return True

    async def _chain(self, url: str, *, replace: bool) -> bool:
        try:
            script = await self.fetch(url)
        except Unreachable:
            return False
        went_well = await self._script(script.decode())
        if replace:
            raise _Left(LocalDisk())
        return went_well

    async def _load(self, url: str) -> bool:
        try:
            await self.fetch(url)
        except Unreachable:
            return False
        return True

    def _expand(self, word: str) -> str:
        def value(found: re.Match[str]) -> str:
            text = self.variables.get(found[1], "")
            return quote(text, safe="") if found[2] else text

        return _VARIABLE.sub(value, word)
