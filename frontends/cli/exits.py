"""Exit codes, the one place where an error becomes one.

== =====================================================================
0  done, or taken
1  refused: the message says why and what to do
2  wrong usage (typer's own)
3  out of reach: NATS, a BMC, the inventory; trying later can help
4  a person is needed
5  done, but something in the answer isn't well (``doctor``, ``status --check``, ``stuck``)
== =====================================================================
"""

from workflows.model.errors import BringupError, NeedsHuman, Transient

OK, REFUSED, UNREACHABLE, NEEDS_HUMAN, NOT_WELL = 0, 1, 3, 4, 5


def exit_code(error: BringupError) -> int:
    """The exit code of an error."""
    if isinstance(error, Transient):
        return UNREACHABLE
    if isinstance(error, NeedsHuman):
        return NEEDS_HUMAN
    return REFUSED
