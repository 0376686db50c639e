"""Loads the burn-in's readers when a command of ``bringup burn-in`` needs them: the command line itself stays quick."""

from collections.abc import Mapping

from workflows.model.record import Json


def kinds() -> Mapping[str, str]:
    """Every kind of output by name, and what prints it."""
    from burn_in.readers.catalog import KINDS

    return {kind.name: kind.about for kind in KINDS.values()}


def read_output(kind: str, data: bytes) -> Json:
    """The record of one output. Raises BadInput where it is refused."""
    from burn_in import offline

    return offline.read_output(kind, data)
