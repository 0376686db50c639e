"""The readers that the gate began with, over every recorded output; what holds for all is in ``test_every_reader``."""

from pathlib import Path

import pytest

from burn_in.guid import plain_guid
from burn_in.readers.ibstat import read_ibstat
from burn_in.readers.mountinfo import read_mountinfo
from burn_in.readers.nvidia_smi import read_nvidia_smi
from burn_in.readers.pci import read_pci
from burn_in.readers.saquery import read_node_description, read_node_record
from burn_in.readers.sminfo import read_sminfo
from burn_in.readers.unreadable import Unreadable

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("name", "product", "count", "memory"),
    [
        ("qx-a100", "NVIDIA A100-SXM4-40GB", 1, 40960),
        ("qx-a100-healthy", "NVIDIA A100-SXM4-40GB", 2, 40960),
        ("qx-b200", "NVIDIA B200", 8, 183359),
        ("qx-gb200", "NVIDIA GB200", 4, 189471),
        ("qx-gb200-healthy", "NVIDIA GB200", 2, 196608),
        ("qx-h100", "NVIDIA H100 80GB HBM3", 8, 81559),
        ("qx-t4", "Tesla T4", 1, 15360),
    ],
)
def test_nvidia_smi_of_every_recorded_driver(samples: Path, name: str, product: str, count: int, memory: int) -> None:
    """Model, count and memory; each GPU by another UUID."""
    log = read_nvidia_smi((samples / "nvidia-smi-qx" / f"{name}.xml").read_text())
    assert log.attached == len(log.gpus) == len({g.uuid for g in log.gpus}) == count
    assert {(g.product, g.memory_mib) for g in log.gpus} == {(product, memory)}
    assert all(g.max_link_width == 16 and g.power_limit_w for g in log.gpus)


def test_nvidia_smi_shows_an_injected_fault(samples: Path) -> None:
    """The sample with injected faults has a failed row remap."""
    log = read_nvidia_smi((samples / "nvidia-smi-qx" / "qx-gb200-ecc-injected.xml").read_text())
    assert "Yes" in {g.remap_failure for g in log.gpus}


def test_nvidia_smi_says_none_where_the_driver_says_nothing(samples: Path) -> None:
    """A T4 has no row remapping and no fabric: that is None, not *No*."""
    gpu = read_nvidia_smi((samples / "nvidia-smi-qx" / "qx-t4.xml").read_text()).gpus[0]
    assert (gpu.remap_failure, gpu.remap_pending, gpu.fabric_state) == (None, None, None)
    assert gpu.recovery_action == "None"


def test_nvidia_smi_text_is_not_xml(samples: Path) -> None:
    """The text form of the same tool is refused, whatever driver printed it."""
    for path in (samples / "nvidia-smi-qx").glob("nvidia-smi*"):
        with pytest.raises(Unreadable):
            read_nvidia_smi(path.read_text())


def test_nvidia_smi_entities_are_refused() -> None:
    """A bundle is untrusted: no expansion bombs."""
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]><nvidia_smi_log>&b;</nvidia_smi_log>'
    with pytest.raises(Unreadable, match="entities"):
        read_nvidia_smi(bomb)


@pytest.mark.parametrize(
    ("name", "infiniband", "active"),
    [
        ("ibstat/ibstat.47.0.h100.all.active.2", 8, 8),
        ("ib-sim/ibstat-active.txt", 1, 1),
        ("ib-sim/ibstat-link-down.txt", 1, 0),
        ("ib-sim/ibstat-no-sm.txt", 1, 0),
    ],
)
def test_ibstat(samples: Path, name: str, infiniband: int, active: int) -> None:
    """InfiniBand ports, and those of them that are Active with a LID."""
    ports = [p for p in read_ibstat((samples / name).read_text()) if p.infiniband]
    assert len(ports) == infiniband
    assert len([p for p in ports if p.state == "Active" and p.lid]) == active
    assert all(len(p.guid) == 16 for p in ports)


def test_every_recorded_ibstat_is_read_or_refused_as_a_whole(samples: Path) -> None:
    """ibpanic after seven good adapters: nothing of it is believed."""
    for path in (samples / "ibstat").glob("ibstat.*"):
        text = path.read_text()
        if "ibpanic" in text:
            with pytest.raises(Unreadable, match="gave up"):
                read_ibstat(text)
        else:
            assert len(read_ibstat(text)) == text.count("Port GUID")


def test_roce_ports_are_no_infiniband(samples: Path) -> None:
    """An Ethernet port is Active too."""
    ports = read_ibstat((samples / "ibstat" / "ibstat.47.0.h100.all.active.0").read_text())
    assert not ports[0].infiniband


def test_sminfo(samples: Path) -> None:
    """One master, or nobody."""
    found = read_sminfo((samples / "ib-sim" / "sminfo-ok.txt").read_text())
    assert found.master
    assert found.lid == 1
    for name in ("sminfo-no-sm", "sminfo-link-down"):
        with pytest.raises(Unreadable):
            read_sminfo((samples / "ib-sim" / f"{name}.txt").read_text())


def test_standby_manager_is_no_master() -> None:
    """A second manager answers too, and manages nothing."""
    line = "sminfo: sm lid 4 sm guid 0xb8cef60300cc0081, activity count 4 priority 0 state 2 SMINFO_STANDBY"
    assert not read_sminfo(line).master


def test_saquery(samples: Path) -> None:
    """A record, nobody, and no answer are three different things."""
    directory = samples / "ib-sim"
    record = read_node_record((directory / "saquery-NR-lid8.txt").read_text())
    assert record is not None
    assert (record.lid, record.port_guid, record.description) == (8, "b8cef60300cc0031", "gpu03 mlx5_0")
    assert read_node_record("") is None
    assert read_node_record((directory / "saquery-NR-after-unlink.txt").read_text()) is None
    for name in ("saquery-no-sm", "saquery-sm-died"):
        with pytest.raises(Unreadable):
            read_node_record((directory / f"{name}.txt").read_text())


def test_smpquery_that_reaches_nobody(samples: Path) -> None:
    """An error text holds no description."""
    with pytest.raises(Unreadable):
        read_node_description((samples / "ib-sim" / "smpquery-G-unreachable.txt").read_text())


def test_mountinfo() -> None:
    """Options of mount and super block together; octal escapes undone."""
    text = (
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "99 22 0:50 / /data/my\\040disk rw,noatime shared:9 master:1 - nfs4 10.0.0.1:/data rw,vers=4.2,hard\n"
    )
    mount = read_mountinfo(text)[1]
    assert (mount.target, mount.source, mount.fstype) == ("/data/my disk", "10.0.0.1:/data", "nfs4")
    assert mount.options == {"rw", "noatime", "vers=4.2", "hard"}


def test_pci() -> None:
    """GPUs are display devices of vendor 10de; their audio functions and NVSwitches are not."""
    devices = {"00:00.0": ("0x8086", "0x060000"), "53:00.0": ("0x10de", "0x030200"), "07:00.0": ("0x10de", "0x068000")}
    lines = [
        f"/sys/bus/pci/devices/0000:{a}/{n}:{v}"
        for a, vs in devices.items()
        for n, v in zip(("vendor", "class"), vs)  # noqa: B905
    ]
    assert read_pci("\n".join(lines)).nvidia_gpus == ("0000:53:00.0",)
    with pytest.raises(Unreadable, match="vendor or class"):
        read_pci("\n".join(lines[:-1]))


@pytest.mark.parametrize("text", ["0xB8CEF60300CC0011", "B8:CE:F6:03:00:CC:00:11", "b8ce:f603:00cc:0011"])
def test_guid_as_people_write_it(text: str) -> None:
    """NetBox's WWN and the tools' hex are the same GUID."""
    assert plain_guid(text) == "b8cef60300cc0011"


@pytest.mark.parametrize("text", ["", "0x0", "0" * 16, "b8:ce:f6:03:00:cc", "zz" * 8])
def test_what_is_no_guid(text: str) -> None:
    """A MAC, zeros and words."""
    assert plain_guid(text) is None
