"""The gate: which probes a node needs, and the report that its evidence gives. Fails closed at every place.

Everything that was required and did not come (a bundle, a command, a readable output, a way to ask) becomes an ERROR
check, so that a report without it can't be accepted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from burn_in.bundle import Bundle, CommandRecord, read_bundle
from burn_in.judges.cabling import cables, judge_cabling
from burn_in.judges.gpus import judge_gpus, judge_no_gpus
from burn_in.judges.infiniband import judge_inventory, judge_port, wanted_guids
from burn_in.judges.mounts import judge_mount
from burn_in.judges.outputs import JUDGED_KINDS, Judging, judge_output, required_outputs
from burn_in.judges.pkeys import judge_pkeys
from burn_in.judges.verdicts import error
from burn_in.loads import judge_loads, judge_port_loads
from burn_in.parts import gpu_parts, port_parts
from burn_in.readers.ibstat import read_ibstat
from burn_in.readers.lspci import bus_of, read_lspci
from burn_in.readers.mountinfo import read_mountinfo
from burn_in.readers.nvidia_smi import read_nvidia_smi
from burn_in.readers.pci import PciBus, read_pci
from burn_in.readers.sminfo import SubnetManagerInfo, read_sminfo
from burn_in.readers.unreadable import Unreadable
from burn_in.subnet_manager import SubnetManager
from burn_in.thresholds.common import CommonThresholds, load_common
from burn_in.thresholds.load import GpuThresholds, load_thresholds
from burn_in.thresholds.xid_policy import XidPolicy, load_xid_policy
from workflows.engine.ports import Evidence
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.level import TIMES, Level, level_named
from workflows.model.profile import Sku
from workflows.model.verdict import BurnInReport, Check, Part, Span, Verdict

_STATUS_IS_A_RESULT = ("dcgm-diag",)
"""Kinds whose exit status says what was found, not that the tool failed: a readable output counts."""

_HOST = ("edac", "chronyc")


@dataclass(frozen=True, slots=True)
class Gate:
    """Implements ``Judge``. ``subnet_manager`` is None where the site has no InfiniBand."""

    evidence: Evidence
    subnet_manager: SubnetManager | None = None
    thresholds: Mapping[str, GpuThresholds] = field(default_factory=load_thresholds)
    common: CommonThresholds = field(default_factory=load_common)
    xids: XidPolicy = field(default_factory=load_xid_policy)

    def probes(self, desired: Desired) -> Sequence[str]:
        """GPUs always, so that a node without any is shown to have none; the others where they are wanted."""
        return (
            "gpu",
            *(("infiniband",) if _has_infiniband(desired) else ()),
            *(("mounts",) if desired.mounts else ()),
            *(("host",) if _has_gpus(desired) else ()),
        )

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """Read and judge all; each raw bundle is kept as evidence first."""
        if desired.profile is None:
            return BurnInReport(level="", checks=(error("profile", "", "the node has no profile"),))
        sku = desired.profile.sku
        checks, spans, versions, parts = list[Check](), list[Span](), dict[str, str](), list[Part]()
        if level_named(sku.burn_in_level) is None:
            known = ", ".join(TIMES)
            checks.append(error("level", "", f"sku {sku.name} asks for level {sku.burn_in_level!r}, this runs {known}"))
        for probe in self.probes(desired):
            if probe not in bundles:
                checks.append(error(f"{probe}.bundle", "", f"the probe {probe} left no bundle"))
                continue
            kept = await self.evidence.put(bundles[probe])
            try:
                bundle = read_bundle(probe, bundles[probe])
            except BadInput as refused:
                checks.append(error(f"{probe}.bundle", "", str(refused), kept))
                continue
            if bundle.error or bundle.timed_out:
                checks.append(error(f"{probe}.probe", "", bundle.error or "killed at its deadline", kept))
            spans += _spans(bundle)
            versions |= _versions(bundle)
            parts += _parts(desired, bundle)
            found = await self._judge(probe, desired, sku, bundle)
            checks += [c if c.evidence else c.model_copy(update={"evidence": kept}) for c in found]
        thresholds = self.thresholds.get(sku.gpu_model or "")
        return BurnInReport(
            level=sku.burn_in_level,
            checks=tuple(checks),
            timeline=tuple(spans),
            versions=versions,
            parts=tuple(parts),
            overrides=thresholds.overridden if thresholds else (),
        )

    async def _judge(self, probe: str, desired: Desired, sku: Sku, bundle: Bundle) -> tuple[Check, ...]:
        try:
            if probe == "gpu":
                return self._gpus(sku, bundle)
            if probe == "infiniband":
                return await self._infiniband(desired, sku, bundle)
            if probe == "host":
                return self._host(sku, bundle)
            mounts = _read(bundle, "mountinfo", read_mountinfo)
            return tuple(
                check for m in desired.mounts for check in judge_mount(m, mounts, bundle.command(f"trial {m.target}"))
            )
        except Unreadable as unreadable:
            return (error(f"{probe}.reading", "", str(unreadable)),)

    def _gpus(self, sku: Sku, bundle: Bundle) -> tuple[Check, ...]:
        if sku.gpu_count == 0 and sku.gpu_model is None:
            smi = _command(bundle, "nvidia-smi")
            return judge_no_gpus(sku, _bus(bundle), read_nvidia_smi(smi.stdout) if smi.whole else None)
        known = self.thresholds.get(sku.gpu_model or "")
        gpus = _read(bundle, "nvidia-smi", read_nvidia_smi)
        try:
            checks = judge_gpus(sku, known, _bus(bundle), gpus, self.common)
        except Unreadable as unreadable:
            judged = judge_gpus(sku, known, PciBus((), ()), gpus, self.common)
            checks = (error("gpu.count.bus", "", str(unreadable)), *(c for c in judged if c.id != "gpu.count.bus"))
        if known is None:
            return checks
        by = self._judging(sku)
        loads = judge_loads(bundle, gpus, known, self.common) if sku.burn_in_level != Level.GATE else ()
        return checks + _outputs(bundle, by, required_outputs(by)) + loads

    def _host(self, sku: Sku, bundle: Bundle) -> tuple[Check, ...]:
        """What a host can tell. A tool or a driver that it doesn't have leaves its part unjudged, and that is told."""
        disks = [c.name for c in bundle.commands if c.name.startswith("nvme-smart-log ")]
        checks: list[Check] = []
        for name in (*_HOST, *disks):
            command = bundle.command(name)
            if command is not None and (command.timed_out or command.whole):
                checks += _output(bundle, name, self._judging(sku))
            else:
                why = command.trouble if command is not None else "nobody asked"
                checks.append(Check(id=f"host.{name}", verdict=Verdict.WARN, message=f"{name} is not judged: {why}"))
        return tuple(checks)

    def _judging(self, sku: Sku) -> Judging:
        return Judging(sku, sku.burn_in_level, self.thresholds.get(sku.gpu_model or ""), self.common, self.xids)

    async def _infiniband(self, desired: Desired, sku: Sku, bundle: Bundle) -> tuple[Check, ...]:
        checks = list(judge_inventory(sku, desired.interfaces))
        ports = _read(bundle, "ibstat", read_ibstat)
        managers: dict[str, SubnetManagerInfo | None] = {
            f"{p.device}/{p.port}": _manager(bundle.command(f"sminfo {p.device}/{p.port}")) for p in ports
        }
        keys: dict[str, frozenset[int] | None] = {}
        for guid in wanted_guids(desired.interfaces)[0]:
            lid = next((p.lid for p in ports if p.guid == guid), 0)
            kept = ""
            view = await self.subnet_manager.see(guid, lid) if self.subnet_manager else None
            if view is not None:
                kept = await self.evidence.put(view.raw)
                if lid:
                    keys[f"0x{guid}"] = view.pkeys
            found = judge_port(sku, guid, ports, managers, view)
            checks += [c.model_copy(update={"evidence": kept}) if view and _by_subnet(c) else c for c in found]
        checks += judge_pkeys(keys)
        if sku.burn_in_level != Level.GATE:
            wanted = [p for p in ports if p.guid in wanted_guids(desired.interfaces)[0]]
            for port in wanted:
                checks += _output(bundle, f"perftest {port.device}/{port.port}", self._judging(sku))
            checks += judge_port_loads(bundle, wanted, self.common)
        return (*checks, *await self._cabling(desired))

    async def _cabling(self, desired: Desired) -> tuple[Check, ...]:
        """The node's InfiniBand cables, where the inventory has any."""
        wanted = cables(desired.label, desired.interfaces)
        if not wanted or self.subnet_manager is None:
            return ()
        seen = await self.subnet_manager.links()
        kept = await self.evidence.put(seen.raw)
        if seen.fabric is None:
            return (error("infiniband.cable", desired.label, f"the links could not be seen: {seen.trouble}", kept),)
        return tuple(c.model_copy(update={"evidence": kept}) for c in judge_cabling(desired.label, wanted, seen.fabric))


def _bus(bundle: Bundle) -> PciBus:
    """From sysfs, or from ``lspci`` where somebody brought that instead."""
    if bundle.command("pci") is None and bundle.command("lspci") is not None:
        return bus_of(_read(bundle, "lspci", read_lspci))
    return _read(bundle, "pci", read_pci)


def _outputs(bundle: Bundle, by: Judging, required: Sequence[str]) -> tuple[Check, ...]:
    """What the level asks for, and what else was brought: one that is missing or broken hides nothing of the others."""
    brought = [c.name for c in bundle.commands if c.name.partition(" ")[0] in JUDGED_KINDS]
    return tuple(c for name in dict.fromkeys((*required, *brought)) for c in _output(bundle, name, by))


def _output(bundle: Bundle, name: str, by: Judging) -> tuple[Check, ...]:
    command = bundle.command(name)
    if command is None:
        return (error(f"output.{name}", "", f"the probe {bundle.probe} did not come to {name}"),)
    if not command.whole and not (command.ended and name in _STATUS_IS_A_RESULT):
        return (error(f"output.{name}", "", command.trouble),)
    return judge_output(name, command.stdout, by)


def _spans(bundle: Bundle) -> tuple[Span, ...]:
    """Its commands one after the other, as they ran."""
    at, spans = bundle.started, list[Span]()
    for command in bundle.commands:
        spans.append(Span(name=command.name, started=at, seconds=command.seconds, late=command.timed_out))
        at += command.seconds
    return tuple(spans)


def _versions(bundle: Bundle) -> dict[str, str]:
    """What the driver says of itself and of the GPUs' firmware, for the reader of the report; nothing is judged by it."""
    smi = _maybe(bundle, "nvidia-smi", read_nvidia_smi)
    if smi is None:
        return {}
    found = {
        "NVIDIA driver": smi.driver,
        "CUDA": smi.cuda or "",
        "GPU": ", ".join(sorted({g.product or "" for g in smi.gpus})),
        "VBIOS": ", ".join(sorted({g.vbios or "" for g in smi.gpus})),
        "InfoROM": ", ".join(sorted({g.inforom or "" for g in smi.gpus})),
    }
    return {name: value for name, value in found.items() if value}


def _parts(desired: Desired, bundle: Bundle) -> tuple[Part, ...]:
    """The parts that the checks of this bundle are of."""
    smi = _maybe(bundle, "nvidia-smi", read_nvidia_smi)
    ports = _maybe(bundle, "ibstat", read_ibstat)
    return (
        *(gpu_parts(smi) if smi else ()),
        *(port_parts(desired.label, desired.interfaces, ports) if ports else ()),
    )


def _maybe[T](bundle: Bundle, name: str, reader: Callable[[str], T]) -> T | None:
    """An output for the reader of the report: whether it must be there is judged elsewhere."""
    try:
        return _read(bundle, name, reader)
    except Unreadable:
        return None


def _has_gpus(desired: Desired) -> bool:
    return desired.profile is not None and desired.profile.sku.gpu_count > 0


def _has_infiniband(desired: Desired) -> bool:
    wanted = desired.profile is not None and desired.profile.sku.infiniband_ports > 0
    return wanted or any(i.guid for i in desired.interfaces)


def _by_subnet(check: Check) -> bool:
    return check.id in ("infiniband.subnet_manager", "infiniband.registered", "infiniband.registered_lid")


def _manager(command: CommandRecord | None) -> SubnetManagerInfo | None:
    if command is None or not command.whole:
        return None
    try:
        return read_sminfo(command.stdout)
    except Unreadable:
        return None


def _command(bundle: Bundle, name: str) -> CommandRecord:
    command = bundle.command(name)
    if command is None:
        raise Unreadable(f"the probe {bundle.probe} did not come to {name}")
    return command


def _read[T](bundle: Bundle, name: str, reader: Callable[[str], T]) -> T:
    """A command's output through its reader; what isn't whole is not read at all."""
    command = _command(bundle, name)
    if not command.whole:
        raise Unreadable(command.trouble)
    return reader(command.stdout)
