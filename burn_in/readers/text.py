"""What all readers of text do alike: undo what a copy does to an output, and never take half of one for a whole."""

import math

from burn_in.readers.unreadable import Unreadable

_SHOWN = 120
MAX_OUTPUT = 64 << 20
"""Bytes of the largest output that is read: a kernel log of weeks, a topology of a large fabric."""


def plain_lines(text: str) -> list[str]:
    """The lines without Windows line ends, byte order mark and trailing blanks.

    A carriage return alone starts a new line, as progress displays use it.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return [line.rstrip() for line in plain.split("\n")]


def ended_lines(text: str, tool: str) -> list[str]:
    """``plain_lines`` of an output that has no other end than its last line feed; empty lines are left out.

    Raises:
        Unreadable: there is nothing, or the last line has no end: the output was cut.
    """
    lines = plain_lines(text)
    if not any(lines):
        raise Unreadable(f"{tool}: no output")
    if lines[-1]:
        raise Unreadable(f"{tool}: the last line has no end, so the output was cut: {shown(lines[-1])}")
    return [line for line in lines if line]


def finite(text: str, tool: str) -> float:
    """A number as a tool prints it; what a division by zero leaves is none.

    Raises:
        Unreadable: something else.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable(f"{tool}: {shown(text)!r} is no number")
    return value


def shown(text: str) -> str:
    """A piece of an output as it may stand in a message: one line, short."""
    return " ".join(text.split())[:_SHOWN]


def decoded(data: bytes) -> str:
    """A file's content as text: UTF-8, or UTF-16 with its mark, as PowerShell redirects. Odd bytes are replaced.

    Raises:
        Unreadable: too large to be an output, or no text at all.
    """
    if len(data) > MAX_OUTPUT:
        raise Unreadable(f"{len(data)} bytes, at most {MAX_OUTPUT} are read")
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if utf16 else "utf-8", errors="replace")
    if "\0" in text:
        raise Unreadable("not a text file")
    return text
