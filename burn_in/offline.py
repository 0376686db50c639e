"""Reading one output without a site: what ``bringup burn-in read`` does with a file that somebody sent."""

from burn_in.readers.as_json import as_json
from burn_in.readers.catalog import KINDS, Kind, nearest
from burn_in.readers.text import decoded
from burn_in.readers.unreadable import Unreadable
from workflows.model.errors import BadInput
from workflows.model.record import Json


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        BadInput: there is none; the message names the nearest.
    """
    if name not in KINDS:
        near = nearest(name)
        meant = f"did you mean {near}?" if near else "none is like it;"
        raise BadInput(f"there is no kind of output {name[:50]!r}: {meant} bringup burn-in read --help lists all")
    return KINDS[name]


def read_output(name: str, data: bytes) -> Json:
    """The typed record of one output.

    Raises:
        BadInput: no such kind, or the output is refused; the message says why.
    """
    kind = kind_named(name)
    try:
        return as_json(kind.read(decoded(data)))
    except Unreadable as error:
        raise BadInput(f"{name} refused: {error}") from None
