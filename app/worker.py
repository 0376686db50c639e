"""Wires a worker: the engine's runner over the ports that it is given, with one fenced BMC a claim."""

import random
from dataclasses import dataclass, field

from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.caps import Caps
from workflows.engine.claim import Claim
from workflows.engine.fence import FencedBmc
from workflows.engine.grants import Grants
from workflows.engine.observer import Observer, Unobserved
from workflows.engine.ports import Ansible, Bmcs, Bus, Clock, Evidence, Inventory, Judge, Scheduler, Store
from workflows.engine.runner import Runner
from workflows.engine.step import Context
from workflows.engine.worker import Worker
from workflows.model.errors import Refused
from workflows.model.settings import SiteSettings
from workflows.steps.settle import Settle


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a worker's steps may ask of the world. No ``scheduler``: the site has none, or nobody said."""

    store: Store
    bus: Bus
    clock: Clock
    evidence: Evidence
    bmcs: Bmcs
    ansible: Ansible
    judge: Judge
    proof: Judge
    inventory: Inventory
    scheduler: Scheduler | None = None


@dataclass(slots=True)
class _Contexts:
    """Builds what a step sees; keeps the one BMC connection of each live claim."""

    ports: Ports
    settings: SiteSettings
    caps: Caps
    open: dict[int, FencedBmc] = field(default_factory=dict)

    def of(self, claim: Claim) -> Context:
        """The context of a claim as it stands now."""
        ports, run = self.ports, claim.run
        steps = run.steps
        step = steps[claim.state.step].name if claim.state.step < len(steps) else "settle"
        return Context(
            run=run,
            state=claim.state,
            settings=self.settings,
            started=claim.state.intent_at or ports.clock.now(),
            clock=ports.clock,
            store=ports.store,
            bmc=self._bmc(claim),
            grants=Grants(ports.store, ports.clock, run, self.settings, self.caps),
            ansible=ports.ansible,
            judge=ports.judge,
            proof=ports.proof,
            inventory=ports.inventory,
            evidence=ports.evidence,
            scheduler=ports.scheduler,
            log=lambda line: ports.bus.log(run.id, step, line.encode()),
        )

    def _bmc(self, claim: Claim) -> FencedBmc:
        if id(claim) not in self.open:
            desired = claim.run.desired
            if desired.bmc is None or desired.profile is None:
                raise Refused(f"{desired.label} has no BMC or no profile in the inventory")
            raw = self.ports.bmcs.connect(desired.bmc, desired.profile.sku.bmc)
            self.open[id(claim)] = FencedBmc(
                raw, claim.lease, claim.clock, desired, claim.state.sessions, claim.first, claim.session
            )
        return self.open[id(claim)]

    async def release(self, claim: Claim) -> None:
        """End a claim's BMC session."""
        bmc = self.open.pop(id(claim), None)
        if bmc is not None:
            await bmc.close()


def build_worker(
    name: str, settings: SiteSettings, ports: Ports, jitter: random.Random, observer: Observer | None = None
) -> Worker:
    """A worker that is ready to serve or to tend one node."""
    observer = observer or Unobserved()
    caps = Caps(ports.store)
    contexts = _Contexts(ports, settings, caps)
    return Worker(
        name=name,
        store=ports.store,
        bus=ports.bus,
        clock=ports.clock,
        settings=settings,
        steps=STEPS,
        workflows=WORKFLOWS,
        runner=Runner(STEPS, Settle(), contexts.of, settings, jitter, observer, caps),
        release_claim=contexts.release,
        observer=observer,
    )
