"""``inspect``: what the machine is made of, read by its BMC, kept, and compared with the profile before anything is wiped.

A profile that names parts (``sku.parts``) stops a run that would wipe where one is missing or linked too slowly, with its
place (``workflows/model/sku_gate.py``). One that names none demands nothing: then the machine is only read if no run has
kept its inventory yet or the profile has a baseline to compare it with, and a BMC that can't tell it holds up nobody. A run
that wipes nothing, such as an adoption, takes the machine as it is, and says what is missing. A baseline that names what the
machine doesn't have stops the run here, too: nobody is drained for a typing error.
"""

from datetime import timedelta

from workflows.engine.step import Context, Done, Retry, Verified
from workflows.model.baseline import strange
from workflows.model.errors import NeedsHuman, Transient, Unsupported
from workflows.model.hardware import HardwareReport, PartKind
from workflows.model.record import Json
from workflows.model.sku_gate import changes, shortcomings, surplus
from workflows.model.swap import blanks, unlike
from workflows.steps.inventory_kept import inventory_before, kept_report
from workflows.steps.reading import Reading

_SAID = 5


class Inspect(Reading):
    """Reads only. The report is kept as evidence; ``status.inventory`` names the newest one that a run went on with."""

    name, version = "inspect", 1
    timeout = timedelta(minutes=30)
    retry = Retry(attempts=4, pause=timedelta(minutes=1))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Every part that the profile demands is there."""
        profile = ctx.desired.profile
        rules = profile.sku.parts if profile is not None else ()
        before = await inventory_before(ctx)
        if before and not rules and not (profile is not None and profile.sku.has_baseline):
            return Done({"asked": False})
        try:
            report = await ctx.bmc.survey()
        except (Transient, Unsupported) as error:
            if rules:
                raise
            return Done({"asked": True, "unknown": str(error)})
        known = await kept_report(ctx, before)
        kept = await ctx.evidence.put(report.encode())
        lacks = shortcomings(report, rules, known)
        if lacks and ctx.run.has("netboot"):
            raise NeedsHuman(_refusal(ctx, report, lacks, kept))
        if profile is not None and ctx.run.has("check_baseline") and (unknown := strange(profile.sku, report)):
            raise NeedsHuman(
                f"the BMC of {ctx.desired.label} shows no {', no '.join(unknown[:_SAID])}, which the baseline of sku "
                f"{profile.sku.name} names; nothing was touched: cancel, correct the sku, then ask again (inventory {kept})"
            )
        differs = changes(report, known) if known is not None else ()
        return Done(
            {
                "inventory": kept,
                "parts": {kind.value: len(report.parts(kind)) for kind in PartKind},
                "lacks": list(lacks),
                "surplus": list(surplus(report, rules)),
                "changed": list(differs),
                "blanks": [blank.model_dump(mode="json") for blank in blanks(ctx.desired, report)],
                "unlike": list(unlike(ctx.desired, report)),
            }
        )


def _refusal(ctx: Context, report: HardwareReport, lacks: tuple[str, ...], kept: str) -> str:
    assert ctx.desired.profile is not None
    more = f"; and {len(lacks) - _SAID} more" if len(lacks) > _SAID else ""
    off = "; the machine is off, and some BMCs show parts only of one that is on" if report.power != "on" else ""
    return (
        f"{ctx.desired.label} is not what its profile {ctx.desired.profile.sku.name} demands; nothing was wiped: "
        f"{'; '.join(lacks[:_SAID])}{more}{off} (inventory {kept})"
    )
