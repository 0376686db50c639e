"""A reader's record as JSON: its fields by their names, sets sorted, numbers that JSON has."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from workflows.model.record import Json


def as_json(record: object) -> Json:
    """The record whole.

    Raises:
        TypeError: it holds something that no reader's record may hold.
    """
    if is_dataclass(record):
        return {field.name: as_json(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, Mapping):
        return {str(name): as_json(value) for name, value in record.items()}
    if isinstance(record, tuple):
        return [as_json(part) for part in record]
    if isinstance(record, frozenset):
        return [as_json(part) for part in sorted(record, key=str)]
    if record is None or isinstance(record, bool | int | float | str):
        return str(record) if isinstance(record, str) else record
    raise TypeError(f"{type(record).__name__} has no form in JSON")
