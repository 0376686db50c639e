"""The real demo believes nobody: one witness that disagrees is enough. A host that can't run it is told what it lacks."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.demo_real import RealDemo, RealWitness, demo_real
from lab.site import needs
from workflows.model.errors import Unsupported

pytestmark = pytest.mark.fast

WELL = RealWitness(
    name="gpu-001",
    state="in-service",
    reason="",
    netbox="active",
    accepted_run="lab.nb-1.g2",
    writes_on_disk=1,
    written_by="lab.nb-1.g2.1",
    bytes_written=540_000_000,
    data_disk_untouched=True,
    boots=2,
    bmc_requests={"GET /redfish/v1/": 3},
    bmc_stale_writes=0,
    lid=6,
    evidence="2aa453c89309",
)


def test_a_machine_is_well_where_all_agree() -> None:
    assert WELL.doubts == []
    assert RealDemo([WELL], 1.0, []).well


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("state", "parked"),
        ("netbox", "staged"),
        ("writes_on_disk", 0),
        ("writes_on_disk", 2),
        ("written_by", "lab.nb-1.g1.1"),
        ("data_disk_untouched", False),
        ("bmc_stale_writes", 1),
        ("lid", 0),
        ("evidence", ""),
    ],
)
def test_one_witness_that_disagrees_is_enough(field: str, lie: object) -> None:
    found = replace(WELL, **{field: lie})  # type: ignore[arg-type]
    assert len(found.doubts) == 1
    assert not RealDemo([WELL, found], 1.0, []).well


def test_a_login_that_was_refused_anything_is_not_well_nor_is_a_demo_without_machines() -> None:
    assert not RealDemo([WELL], 1.0, ["Publish Violation"]).well
    assert not RealDemo([], 1.0, []).well


def test_a_host_without_the_packages_is_told_one_line_to_paste(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(needs, "_PATH", "/nonexistent")
    with pytest.raises(Unsupported, match=r"^missing on this host: sudo apt-get install -y [a-z0-9 +.-]+$") as refusal:
        demo_real(1, timedelta(seconds=1), show=False, cache=tmp_path)
    assert "qemu-system-x86" in str(refusal.value)


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_NEEDS", {})
    monkeypatch.setattr(needs, "POSTGRES", ["here"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "need root" in needs.missing()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert needs.missing() == ""
