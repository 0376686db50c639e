"""What all readers of text do alike: undo what a copy does to an output, and never take half of one for a whole."""

from burn_in.readers.unreadable import Unreadable

_SHOWN = 120


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


def shown(text: str) -> str:
    """A piece of an output as it may stand in a message: one line, short."""
    return " ".join(text.split())[:_SHOWN]
