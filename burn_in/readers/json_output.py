"""The one JSON object of a tool's output, and its fields by the type that the tool documents for them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object with its place in the output, so that a refusal names the field. ``maybe_`` gives None where it is absent.

    Raises (each getter):
        Unreadable: the field is absent or of another type.
    """

    values: Mapping[str, object]
    place: str

    def text(self, name: str) -> str:
        """A string."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def maybe_text(self, name: str) -> str | None:
        """A string, or a number as text: versions differ in that for versions and ids."""
        value = self.values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return None if value is None else self.text(name)

    def number(self, name: str) -> float:
        """A number. A boolean is none."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        try:
            return float(value)
        except OverflowError:
            raise self._wrong(name, "a number of that size") from None

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "a whole number")
        return value

    def maybe_whole(self, name: str) -> int | None:
        """A whole number."""
        return None if self.values.get(name) is None else self.whole(name)

    def child(self, name: str) -> "JsonObject":
        """An object."""
        return self._object(self.values.get(name), f"{self.place}.{name}")

    def maybe_child(self, name: str) -> "JsonObject | None":
        """An object."""
        return None if self.values.get(name) is None else self.child(name)

    def items(self, name: str) -> list[object]:
        """A list of anything."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def children(self, name: str) -> list["JsonObject"]:
        """A list of objects."""
        return [self._object(v, f"{self.place}.{name}[{n}]") for n, v in enumerate(self.items(name))]

    def _object(self, value: object, place: str) -> "JsonObject":
        if not isinstance(value, dict):
            raise Unreadable(f"{place} is no object")
        return JsonObject(value, place)

    def _wrong(self, name: str, wanted: str) -> Unreadable:
        absent = self.values.get(name) is None
        return Unreadable(f"{self.place}.{name} is absent" if absent else f"{self.place}.{name} is not {wanted}")


def one_object(text: str, tool: str) -> JsonObject:
    """The one object of an output that may have warnings before and after it.

    Raises:
        Unreadable: none, half of one, more than one, or one that no decoder should follow (nesting, huge numbers).
    """
    plain = "\n".join(plain_lines(text))
    start = next(_object_starts(plain), None)
    if start is None:
        raise Unreadable(f"{tool}: no JSON object: {shown(plain) or 'no output'}")
    try:
        found, end = json.JSONDecoder(parse_constant=_no_number).raw_decode(plain, start)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{tool}: the JSON is cut or broken: {shown(str(error))}") from None
    if next(_object_starts(plain[end:]), None) is not None:
        raise Unreadable(f"{tool}: more than one JSON object")
    return JsonObject(found, tool)


def _object_starts(text: str) -> Iterator[int]:
    """Where a line begins with a brace: a warning may hold braces, but no tool puts words before its first one."""
    at = 0
    for line in text.split("\n"):
        if line.lstrip().startswith("{"):
            yield at + len(line) - len(line.lstrip())
        at += len(line) + 1


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")
