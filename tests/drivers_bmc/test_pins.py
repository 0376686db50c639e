"""Approved certificates of BMCs: written once, replaced only by a word, never read wrong."""

from pathlib import Path

import pytest

from workflows.drivers.address import parse_address
from workflows.drivers.pins import Pins
from workflows.model.errors import Refused

pytestmark = pytest.mark.fast

ONE, TWO = "ab" * 32, "cd" * 32


def test_a_pin_is_of_one_bmc_and_only_replaced_by_a_word(tmp_path: Path) -> None:
    pins, bmc = Pins(tmp_path / "pins"), parse_address("BMC-7.example")
    assert pins.get(bmc) is None
    pins.put(bmc, ONE, replace=False)
    pins.put(bmc, ONE, replace=False)
    with pytest.raises(Refused, match="--replace"):
        pins.put(bmc, TWO, replace=False)
    assert pins.get(parse_address("https://bmc-7.example:443/")) == ONE
    assert pins.get(parse_address("bmc-7.example:8443")) is None
    pins.put(bmc, TWO, replace=True)
    assert pins.get(bmc) == TWO
    assert [p.name for p in (tmp_path / "pins").iterdir()] == ["bmc-7.example_443.sha256"]


@pytest.mark.parametrize("content", [b"", b"trust everything", b"\xff" * 64, b"ab" * 31])
def test_a_pin_that_is_none_is_refused_never_left_out(tmp_path: Path, content: bytes) -> None:
    """A BMC whose pin was damaged must not fall back to a weaker check."""
    pins, bmc = Pins(tmp_path), parse_address("[2001:db8::7]:8443")
    pins.put(bmc, ONE, replace=False)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    with pytest.raises(Refused):
        pins.get(bmc)
