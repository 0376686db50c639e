"""A site's own thresholds are those that its worker judges by."""

from pathlib import Path

import pytest

from app.thresholds import site_thresholds
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast


def test_a_sites_own_limits_stand_over_those_that_ship(tmp_path: Path) -> None:
    """Where it has any; a file that isn't there is no silence."""
    path = tmp_path / "thresholds.yaml"
    path.write_text("l40s: {power_limit_w: {value: 300, reason: the rack gives no more, date: 2026-11-01}}")
    assert site_thresholds(path)["l40s"].power_limit_w.value == 300
    assert site_thresholds(None)["l40s"].power_limit_w.value == 350
    with pytest.raises(BadInput, match="No such file"):
        site_thresholds(tmp_path / "none.yaml")
