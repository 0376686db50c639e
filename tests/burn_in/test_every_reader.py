"""What holds for every reader: half an output is never less of a machine, and damage never raises anything else."""

import contextlib
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from burn_in.readers.catalog import KINDS, nearest, sniff
from burn_in.readers.text import decoded
from burn_in.readers.unreadable import Unreadable
from tests.burn_in.outputs import every_output

pytestmark = pytest.mark.fast

ENDS_ANYWHERE = {"edac", "fabric-manager-log", "iblinkinfo", "ibstat", "ibstatus", "lspci", "mmgetstate", "mountinfo",
    "nvlink-errors", "nvlink-status", "pci", "perfquery", "sysfs-ib", "xid", "nvbandwidth", "perftest"}  # fmt: skip
"""Lists without an end or a count: cut between two parts, nothing in the text shows it, and the judge has to miss them."""

each_kind = pytest.mark.parametrize("kind", sorted(KINDS))
quietly = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def outputs(samples: Path) -> dict[str, str]:
    """Read once."""
    return every_output(samples)


def test_there_is_an_output_of_every_kind(outputs: dict[str, str]) -> None:
    """So that no reader is left out below."""
    assert set(outputs) == set(KINDS)


@each_kind
def test_a_whole_output_is_read_and_known_by_its_content(outputs: dict[str, str], kind: str) -> None:
    """Windows line ends and a byte order mark change nothing."""
    text = outputs[kind]
    found = KINDS[kind].read(text)
    copied = decoded(("\ufeff" + text.replace("\r\n", "\n").replace("\n", "\r\n")).encode("utf-16"))
    assert KINDS[kind].read(copied) == found
    known = sniff(copied)
    assert known is not None
    assert known.name == kind


@each_kind
def test_a_cut_output_is_refused_or_is_a_part_of_the_whole(outputs: dict[str, str], kind: str) -> None:
    """Cut at hundreds of places: no value changes, and where the tool prints an end or a count, all of it is refused."""
    text = outputs[kind].rstrip()
    whole = KINDS[kind].read(text + "\n")
    ends = [at + 1 for at, letter in enumerate(text) if letter == "\n"]
    for at in [*range(1, len(text), len(text) // 100 + 1), *ends[:: len(ends) // 100 + 1]]:
        with contextlib.suppress(Unreadable):
            found = KINDS[kind].read(text[:at])
            assert found == whole or (kind in ENDS_ANYWHERE and _part(found, whole)), text[:at][-80:]


@each_kind
@quietly
@given(data=st.data())
def test_a_damaged_output_is_read_or_refused(outputs: dict[str, str], kind: str, data: st.DataObject) -> None:
    """A stretch of it replaced by other text, by a piece of itself, or by numbers that no machine has."""
    text = outputs[kind]
    at = data.draw(st.integers(0, len(text)))
    odd = st.sampled_from(
        ["", "9" * 5000, "-1", "nan", "1e999", "0x", "²", "٣", "\0", "{" * 2000, "[" * 20000, "\r", "N/A"]
    )
    new = data.draw(st.one_of(odd, st.text(max_size=20), st.just(text[at : at + 200])))
    with contextlib.suppress(Unreadable):
        KINDS[kind].read(text[:at] + new + text[at + data.draw(st.integers(0, 60)) :])


@each_kind
@settings(max_examples=10, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_is_read_or_refused(kind: str, text: str) -> None:
    """No reader raises anything but its own error."""
    with contextlib.suppress(Unreadable):
        KINDS[kind].read(text)


@each_kind
def test_another_kinds_output_is_refused(outputs: dict[str, str], kind: str) -> None:
    """A file under a wrong name is not a machine without faults."""
    for other, text in outputs.items():
        if other != kind:
            with pytest.raises(Unreadable):
                KINDS[kind].read(text)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("ibsta", "ibstat"), ("nvidia_smi_xml", "nvidia-smi-xml"), ("nccl", "nccl-tests"), ("§§", None)],
)
def test_a_wrong_kind_names_the_nearest(word: str, kind: str | None) -> None:
    """What was meant, as far as it can be told."""
    assert nearest(word) == kind


@pytest.mark.parametrize("data", [b"\x7fELF\0\0\0", b"PK\x03\x04\0\0"])
def test_a_binary_file_is_refused(data: bytes) -> None:
    """An archive that was not unpacked."""
    with pytest.raises(Unreadable, match="not a text"):
        decoded(data)


def _part(found: object, whole: object) -> bool:
    """Whether each value of one record is the other's, its lists at most shorter; counts lower, promises not made."""
    if isinstance(found, tuple) and isinstance(whole, tuple):
        return len(found) <= len(whole) and all(_part(f, w) for f, w in zip(found, whole, strict=False))
    if is_dataclass(found) and type(found) is type(whole):
        return all(_part(getattr(found, f.name), getattr(whole, f.name)) for f in fields(found))
    if isinstance(found, dict) and isinstance(whole, dict):
        return found.items() <= whole.items()
    if found in (None, False):
        return True
    return found == whole or (type(found) is int and type(whole) is int and found < whole)
