"""Thresholds are data: each with its source, and a site's own only with a reason that the verdict prints."""

from pathlib import Path

import pytest

from burn_in.judges.verdicts import at_least
from burn_in.readers.nvidia_smi import read_nvidia_smi
from burn_in.thresholds.load import Fabric, GpuThresholds, load_thresholds, with_overrides
from workflows.model.errors import BadInput
from workflows.model.verdict import Action, Verdict

pytestmark = pytest.mark.fast
_SHIPPED = load_thresholds()
_GOOD = """
model: x
title: X
product: NVIDIA X
pci_device_id: 000010DE
fabric: node
memory_mib: &limit {value: 5, source: somebody who knows, date: 2026-01-01, method: at least}
link_gen: *limit
link_width: *limit
power_limit_w: *limit
"""


def test_every_model_that_the_users_have_ships() -> None:
    """One file each; a name that is none of them has no thresholds at all."""
    assert {"h100-sxm", "h200-sxm", "h200-nvl", "b200-sxm", "b300-sxm", "gb200", "gb300", "l40s"} <= set(_SHIPPED)
    assert {"a100-sxm-40gb", "a100-sxm-80gb"} <= set(_SHIPPED)
    assert len({t.pci_device_id for t in _SHIPPED.values()}) == len({t.product for t in _SHIPPED.values()}) == 10


@pytest.mark.parametrize(
    ("sample", "model"), [("h100", "h100-sxm"), ("b200", "b200-sxm"), ("gb200", "gb200"), ("a100", "a100-sxm-40gb")]
)
def test_what_is_shipped_fits_the_recorded_nodes(samples: Path, sample: str, model: str) -> None:
    """The healthy nodes of that model meet each limit of it."""
    wanted = _SHIPPED[model]
    for gpu in read_nvidia_smi((samples / "nvidia-smi-qx" / f"qx-{sample}.xml").read_text()).gpus:
        assert (gpu.product, gpu.pci_device_id) == (wanted.product, wanted.pci_device_id)
        assert gpu.memory_mib == wanted.memory_mib.value
        assert (gpu.max_link_gen or 0) >= wanted.link_gen.value
        assert gpu.max_link_width == wanted.link_width.value
        assert (gpu.power_limit_w or 0) >= wanted.power_limit_w.value
        assert (gpu.fabric_state is None) == (sample == "a100")


def test_dcgms_unit_error_is_not_copied() -> None:
    """Its H200 limit of 2333 stands in a field of MB/s: a node with a thousandth of its bandwidth would pass."""
    hbm = _SHIPPED["h200-sxm"].hbm_gbs
    assert hbm is not None
    assert at_least("x", "", 2.4, hbm, Action.SERVICE).verdict is Verdict.FAIL
    assert at_least("x", "", 3110.0, hbm, Action.SERVICE).verdict is Verdict.PASS


def test_each_model_has_the_fabric_that_its_nodes_show() -> None:
    """PCIe boards have none to wait for, racks have one cluster; an A100 has one and its driver says nothing of it."""
    by = {fabric: {m for m, t in _SHIPPED.items() if t.fabric is fabric} for fabric in Fabric}
    assert by[Fabric.NONE] == {"h200-nvl", "l40s"}
    assert {m for m, t in _SHIPPED.items() if not t.fabric_told} == {"a100-sxm-40gb", "a100-sxm-80gb"}
    assert by[Fabric.RACK] == {"gb200", "gb300"}


def test_a_limit_that_nobody_publishes_is_unknown_however_good_the_value() -> None:
    """Never a pass for want of something to compare with."""
    assert _SHIPPED["gb300"].gemm_bf16_tflops is None
    assert at_least("gpu.gemm", "", 1e9, _SHIPPED["gb300"].gemm_bf16_tflops, Action.SERVICE).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("source: somebody who knows, ", "", "source"),
        ("source: somebody who knows", "source: ' '", "source"),
        ("date: 2026-01-01", "date: last week", "date"),
        (", method: at least", "", "method"),
        ("value: 5", "value: much", "value"),
        ("value: 5", "value: .nan", "value"),
        ("fabric: node", "fabric: yes", "fabric"),
        ("title: X", "tilte: X", "title"),
        ("model: x", "- model: x", "x.yaml"),
    ],
)
def test_a_value_without_its_source_is_refused(tmp_path: Path, good: str, bad: str, said: str) -> None:
    """Source, date and method belong to each; the refusal names the file and the field."""
    assert good in _GOOD
    (tmp_path / "x.yaml").write_text(_GOOD.replace(good, bad))
    with pytest.raises(BadInput, match=said) as refused:
        load_thresholds(tmp_path)
    assert "x.yaml" in str(refused.value)


def test_two_files_of_one_model_are_refused(tmp_path: Path) -> None:
    """Which one counts would hang on their names."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(_GOOD)
    with pytest.raises(BadInput, match="has a file already"):
        load_thresholds(tmp_path)


def _overridden(directory: Path, text: str) -> dict[str, GpuThresholds]:
    path = directory / "site.yaml"
    path.write_text(text)
    return with_overrides(_SHIPPED, path)


def test_a_site_value_counts_and_its_reason_is_printed(tmp_path: Path) -> None:
    """The verdict's source says whose it is, why, and what it put aside; the other models stay."""
    text = "h100-sxm: {nccl_all_reduce_gbs: {value: 440, reason: case 1234 with the vendor, date: 2026-11-01}}"
    found = _overridden(tmp_path, text)
    check = at_least("nccl", "", 445.0, found["h100-sxm"].nccl_all_reduce_gbs, Action.SERVICE, "GB/s")
    assert check.verdict is Verdict.PASS
    assert "case 1234 with the vendor" in check.source
    assert "460" in check.source
    assert "case 1234" in found["h100-sxm"].overridden[0]
    assert found["b200-sxm"] == _SHIPPED["b200-sxm"]
    assert _SHIPPED["h100-sxm"].overridden == ()


def test_a_site_can_give_a_limit_that_does_not_ship(tmp_path: Path) -> None:
    """What was UNKNOWN is judged then."""
    found = _overridden(tmp_path, "gb300: {gemm_bf16_tflops: {value: 1500, reason: our 72, date: 2026-11-01}}")
    assert at_least("gemm", "", 1400.0, found["gb300"].gemm_bf16_tflops, Action.SERVICE).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("h100-sxm: {hbm_gbs: {value: 1, date: 2026-11-01}}", "reason"),
        ("h100-sxm: {hbm_gbs: {value: 1, reason: '', date: 2026-11-01}}", "reason"),
        ("h100-sxm: {hbm_gbs: 1}", "needs value"),
        ("h100-sxm: {hbm: {value: 1, reason: because so, date: 2026-11-01}}", "no limit 'hbm'"),
        ("h100-sxm: {product: {value: 1, reason: because so, date: 2026-11-01}}", "no limit 'product'"),
        ("h100: {hbm_gbs: {value: 1, reason: because so, date: 2026-11-01}}", "known: "),
        ("h100-sxm: 5", "not a mapping"),
        ("- 5", "not a mapping"),
        ("{", "site.yaml"),
    ],
)
def test_an_override_without_a_reason_or_of_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """With the file's name, and what is wrong."""
    with pytest.raises(BadInput, match=said):
        _overridden(tmp_path, text)
