"""The proof of software: the node itself says what runs, and it is exactly what its release names. Fails closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from burn_in.bundle import read_bundle
from burn_in.judges.software import judge_software
from burn_in.judges.verdicts import error
from workflows.engine.ports import Evidence
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.software import Software, software_of
from workflows.model.verdict import BurnInReport

LEVEL = "software"
_PROBE = "software"


@dataclass(frozen=True, slots=True)
class SoftwareProof:
    """Implements ``Judge``. A release that names no GPU software needs no probe, and has nothing to prove."""

    evidence: Evidence

    def probes(self, desired: Desired) -> Sequence[str]:
        """The one probe, where there is something to compare with."""
        return (_PROBE,) if _wanted(desired).named() else ()

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """Compare; the raw bundle is kept as evidence first."""
        if desired.profile is None:
            return _trouble("the node has no profile")
        if _PROBE not in bundles:
            return _trouble(f"the probe {_PROBE} left no bundle")
        kept = await self.evidence.put(bundles[_PROBE])
        try:
            bundle = read_bundle(_PROBE, bundles[_PROBE])
        except BadInput as refused:
            return _trouble(str(refused), kept)
        if bundle.error or bundle.timed_out:
            return _trouble(bundle.error or "killed at its deadline", kept)
        found = judge_software(_wanted(desired), f"release {desired.profile.release.name}", bundle)
        return BurnInReport(level=LEVEL, checks=tuple(c.model_copy(update={"evidence": kept}) for c in found))


def _trouble(message: str, evidence: str = "") -> BurnInReport:
    return BurnInReport(level=LEVEL, checks=(error("software.bundle", "", message, evidence),))


def _wanted(desired: Desired) -> Software:
    return software_of(desired.profile.release) if desired.profile is not None else Software()
