"""What this version can do, for frontends that preview it."""

from frontends.plan import Known
from workflows.catalog import STEPS, WORKFLOWS
from workflows.model.profile import Sku


def _foresee(sku: Sku) -> tuple[str, ...]:
    """What of a sku the burn-in will not accept."""
    from burn_in.foresight import unjudgeable
    from burn_in.thresholds.load import load_thresholds

    return unjudgeable(sku, load_thresholds())


KNOWN = Known(STEPS, WORKFLOWS, _foresee)
