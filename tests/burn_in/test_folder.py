"""A customer's folder judged without a site: what accepts, and that nothing missing, doubled or unreadable does."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.burn_in import judge, kinds, read_output
from burn_in.folder import read_folder
from frontends.cli.burn_in import add_burn_in
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast

_GUID = "b8cef60300cc0011"
_LSPCI = "0000:00:00.0 Host bridge [0600]: Intel Corporation Device [8086:09a2] (rev 04)\n" + "".join(
    f"0000:{n + 16:02x}:00.0 3D controller [0302]: NVIDIA Corporation GH100 [H100 SXM5 80GB] [10de:2330] (rev a1)\n"
    for n in range(8)
)
_NVLINK = "".join(
    f"GPU {g}: NVIDIA H100 80GB HBM3 (UUID: GPU-0000000{g}-0000-0000-0000-00000000000{g})\n"
    + "".join(f"\t Link {n}: 26.562 GB/s\n" for n in range(18))
    for g in range(8)
)
_DMESG = "[    0.000000] Linux version 6.8.0\n[    9.100000] nvidia: module loaded\n"


@pytest.fixture
def folder(samples: Path, tmp_path: Path) -> Path:
    """What a healthy H100 node brings at the gate, by documented names and by content alone."""
    for name, text in {
        "nvidia-smi-xml.xml": (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text(),
        "lspci.txt": _LSPCI,
        "nvlink-status": _NVLINK,
        "customer dmesg 2026-11-24.log": _DMESG,
        "notes.md": "it was fine yesterday\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _verdicts(judged: dict[str, object]) -> dict[str, str]:
    checks = judged["checks"]
    assert isinstance(checks, list)
    return {c["id"]: c["verdict"] for c in checks if c["verdict"] not in ("pass", "warn")}


def test_a_healthy_node_is_accepted(folder: Path) -> None:
    """And what is no evidence is listed, not guessed."""
    judged = judge("h100-sxm", folder, None)
    assert _verdicts(judged) == {}
    assert judged["accepted"] is True
    assert [f["file"] for f in judged["passed_over"]] == ["notes.md"]  # type: ignore[index,union-attr,call-overload]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("nvidia-smi-xml.xml", "nvidia-smi-xml"), ("lspci.txt", "lspci"), ("nvlink-status", "nvlink-status"),
        ("customer dmesg 2026-11-24.log", "xid"),
    ],
)  # fmt: skip
def test_what_is_missing_is_unknown_and_accepts_nothing(folder: Path, file: str, kind: str) -> None:
    """By the name of what has to be brought."""
    (folder / file).unlink()
    judged = judge("h100-sxm", folder, None)
    assert judged["accepted"] is False
    assert _verdicts(judged)[f"evidence.{kind}"] == "unknown"


def test_a_fault_is_told_though_something_is_missing(folder: Path) -> None:
    """Without the bus's listing nobody knows how many GPUs there are; what the driver says of them still counts."""
    (folder / "lspci.txt").unlink()
    xml = folder / "nvidia-smi-xml.xml"
    xml.write_text(xml.read_text().replace("<persistence_mode>Enabled", "<persistence_mode>Disabled", 1))
    assert _verdicts(judge("h100-sxm", folder, None)) == {"evidence.lspci": "unknown", "gpu.persistence": "fail"}


def test_an_empty_folder_accepts_nothing(tmp_path: Path) -> None:
    """Everything is unknown."""
    judged = judge("h100-sxm", tmp_path, None)
    assert judged["accepted"] is False
    assert set(_verdicts(judged).values()) == {"unknown"}


@pytest.mark.parametrize("text", ["", "garbage\n", "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n\t Link 0: 26.5"])
def test_an_output_that_is_refused_is_an_error(folder: Path, text: str) -> None:
    """Empty, garbage, cut: under its name it is not passed over."""
    (folder / "nvlink-status").write_text(text)
    judged = judge("h100-sxm", folder, None)
    assert _verdicts(judged) == {"output.nvlink-status": "error"}


def test_two_of_a_kind_contradict(folder: Path) -> None:
    """Which of them is this node's, nobody can say."""
    (folder / "another.xml").write_text((folder / "nvidia-smi-xml.xml").read_text())
    assert _verdicts(judge("h100-sxm", folder, None)) == {"evidence.nvidia-smi": "error"}


def test_a_fault_in_one_gpu_is_found(folder: Path) -> None:
    """The last one's row remapping failed."""
    xml = (folder / "nvidia-smi-xml.xml").read_text()
    at = xml.rindex("<remapped_row_failure>No")
    (folder / "nvidia-smi-xml.xml").write_text(xml[:at] + xml[at:].replace("failure>No", "failure>Yes", 1))
    assert _verdicts(judge("h100-sxm", folder, None)) == {"gpu.remap.failure": "fail"}


def test_another_model_or_level_is_not_accepted(folder: Path) -> None:
    """Healthy H100s are no B200s, and a gate is no soak."""
    assert judge("b200-sxm", folder, None)["accepted"] is False
    assert judge("h100-sxm", folder, "soak")["accepted"] is False
    assert "evidence.dcgm-diag" in _verdicts(judge("h100-sxm", folder, "quick"))


_IBSTAT = (
    "CA 'mlx5_0'\n\tNumber of ports: 1\n\tPort 1:\n\t\tState: Active\n\t\tPhysical state: LinkUp\n\t\tRate: 400\n"
    f"\t\tBase lid: 6\n\t\tSM lid: 1\n\t\tPort GUID: 0x{_GUID}\n\t\tLink layer: InfiniBand\n"
)
_SMINFO = "sminfo: sm lid 1 sm guid 0xb8cef60300cc0081, activity count 4 priority 0 state 3 SMINFO_MASTER\n"
_RECORD = f"NodeRecord dump:\n\t\tlid......6\n\t\tport_guid......0x{_GUID}\n\t\tNodeDescription......x\n"


def test_a_registered_port_is_proven_by_both_sides(folder: Path) -> None:
    """The node's outputs alone prove no registration; those of the manager's side do."""
    sku = folder / "sku.yml"
    sku.write_text("gpu_model: h100-sxm\ngpu_count: 8\ninfiniband_ports: 1\ninfiniband_rate_gbps: 400\n")
    (folder / "wish.yaml").write_text(f"name: gpu-001\ninterfaces: [{{name: ib0, guid: '{_GUID}'}}]\n")
    (folder / "ibstat.txt").write_text(_IBSTAT)
    (folder / "sminfo@mlx5_0-1.txt").write_text(_SMINFO)
    assert _verdicts(judge(str(sku), folder, None)) == {"infiniband.registered": "error"}
    (folder / "sminfo@subnet.txt").write_text(_SMINFO)
    (folder / "saquery-node@6.txt").write_text(_RECORD)
    (folder / f"smpquery-nodedesc@{_GUID}.txt").write_text("Node Description:...x\n")
    (folder / "smpquery-pkeys@6.txt").write_text("   0: 0xffff 0x0000\n 2 pkeys capacity for this port\n")
    judged = judge(str(sku), folder, None)
    assert (_verdicts(judged), judged["about"]["node"]) == ({}, "gpu-001")  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("h100-smx", "did you mean h100-sxm"), ("l40s", "how many GPUs"), ("h100-sxm:0", "from 1 to 64"),
        ("h100-sxm:²", "from 1 to 64"), ("", "no GPU model"),
    ],
)  # fmt: skip
def test_a_profile_that_there_is_not(folder: Path, profile: str, said: str) -> None:
    """In words that help."""
    with pytest.raises(BadInput, match=said):
        judge(profile, folder, None)


def test_a_folder_that_there_is_not(tmp_path: Path) -> None:
    """Or a file in its place."""
    with pytest.raises(BadInput, match="No such file"):
        read_folder(tmp_path / "absent")
    (tmp_path / "wish.yaml").write_text("nonsense: 1\n")
    with pytest.raises(BadInput, match="nonsense"):
        judge("h100-sxm", tmp_path, None)


def test_the_command_s_exit_code_is_the_verdict(folder: Path) -> None:
    """0 accepted, 5 not accepted; both print the whole answer."""
    cli = typer.Typer()
    add_burn_in(cli, kinds, read_output, judge)
    arguments = ["burn-in", "judge", "--profile", "h100-sxm", str(folder)]
    accepted = CliRunner().invoke(cli, [*arguments, "--json"])
    assert (accepted.exit_code, json.loads(accepted.stdout)["accepted"]) == (0, True)
    (folder / "lspci.txt").unlink()
    refused = CliRunner().invoke(cli, arguments)
    assert (refused.exit_code, "NOT ACCEPTED" in refused.stdout, "evidence.lspci" in refused.stdout) == (5, True, True)
