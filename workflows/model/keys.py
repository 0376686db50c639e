"""Node keys, causes and slugs: the only names that reach subjects and keys.

A node key is ``<site>.<id>``: each part ``[a-z0-9-]``, bound to NetBox's primary key (``nb-17``) or to the file's slug
at first sight. Display names hold dots and spaces, are null, repeat and change, so they never become keys.
"""

import re
from typing import Annotated

from pydantic import StringConstraints

_PART = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"

type Site = Annotated[str, StringConstraints(pattern=rf"^{_PART}$")]
type NodeKey = Annotated[str, StringConstraints(pattern=rf"^{_PART}\.{_PART}$")]
type Cause = Annotated[str, StringConstraints(pattern=r"^[gcf][1-9][0-9]{0,18}$")]


def slug(name: str) -> str:
    """A key part made of any name: lower case, runs of other characters become one dash. Empty if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-")


def site_of(node: NodeKey) -> Site:
    """The site part of a node key."""
    return node.partition(".")[0]


def cause_of_generation(generation: int) -> Cause:
    """The cause of a run that NetBox asked for."""
    return f"g{generation}"


def cause_of_follower(cause: Cause) -> Cause:
    """The cause of the run that follows the run of a command, once it has done its part."""
    return f"f{cause[1:]}"


def cause_of_command(sequence: int) -> Cause:
    """The cause of a run that a command asked for; the sequence is the command's place in its stream."""
    return f"c{sequence}"
