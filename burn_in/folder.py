"""A folder of raw outputs, as a support engineer gets it, judged as if the node's own probes had brought them.

A file's kind is told by its name (``KIND`` or ``KIND@PART``, with any extension) or, where the name says nothing, by its
content, if only one kind can be meant. What can't be told is listed as passed over, never guessed. What had to be there and
isn't is UNKNOWN, so that it accepts nothing. A file holds no exit status: an output is believed as far as its reader does.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from burn_in.bundle import Bundle, CommandRecord
from burn_in.gate import Gate
from burn_in.guid import plain_guid
from burn_in.judges.outputs import Judging, required_outputs
from burn_in.judges.verdicts import error
from burn_in.readers.catalog import KINDS, Kind, sniff
from burn_in.readers.ibnetdiscover import read_ibnetdiscover
from burn_in.readers.pkeys import read_pkeys
from burn_in.readers.saquery import read_node_description, read_node_record
from burn_in.readers.sminfo import read_sminfo
from burn_in.readers.text import MAX_OUTPUT, decoded
from burn_in.readers.unreadable import Unreadable
from burn_in.subnet_manager import FabricView, SubnetView
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Refused
from workflows.model.profile import Sku
from workflows.model.verdict import Action, BurnInReport, Check, Verdict

_MAX_FILES = 1000
_PROBE = {
    **dict.fromkeys(("ibstat", "sminfo", "sysfs-ib"), "infiniband"),
    **dict.fromkeys(("edac", "chronyc", "nvme-smart-log", "lscpu", "meminfo"), "host"),
    "mountinfo": "mounts",
}
"""Which probe brings a kind; the GPUs' brings every other."""

_COMMAND = {"nvidia-smi-xml": "nvidia-smi"}
"""Commands that are not named as their kind."""

_SUBNET = "subnet"
"""The part of the ``sminfo`` that was asked on the subnet manager's side."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file that is evidence. ``part``: which of several, as a disk, a port or a GUID; empty where there is one."""

    file: str
    kind: str
    part: str
    text: str

    @property
    def command(self) -> str:
        """The name of the command that brings it."""
        return " ".join(filter(None, (_COMMAND.get(self.kind, self.kind), self.part)))


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds. ``passed_over``: files that are no evidence, each with the reason."""

    outputs: tuple[Output, ...]
    passed_over: tuple[tuple[str, str], ...]

    def texts(self, kind: str) -> Mapping[str, str]:
        """The outputs of a kind by part."""
        return {o.part: o.text for o in self.outputs if o.kind == kind}


def read_folder(directory: Path) -> Folder:
    """All files of a directory, without those in directories below it.

    Raises:
        BadInput: no such directory, too many files, or one that can't be opened.
    """
    outputs, passed_over = list[Output](), list[tuple[str, str]]()
    try:
        files = sorted(path for path in directory.iterdir() if path.is_file())
        if len(files) > _MAX_FILES:
            raise BadInput(f"{directory}: {len(files)} files, at most {_MAX_FILES} are read")
        for path in files:
            with path.open("rb") as opened:
                data = opened.read(MAX_OUTPUT + 1)
            found = _output(path, data)
            if isinstance(found, Output):
                outputs.append(found)
            else:
                passed_over.append((path.name, found))
    except OSError as failed:
        raise BadInput(f"{failed.filename or directory}: {failed.strerror}") from None
    return Folder(tuple(outputs), tuple(passed_over))


async def judge_folder(folder: Folder, desired: Desired) -> BurnInReport:
    """The report of what the folder holds, against the profile and the wishes of ``desired``. No subnet is asked."""
    assert desired.profile is not None
    hashes = _Hashes()
    gate = Gate(hashes, _Subnet(folder) if _asked_subnet(folder) else None)
    sku = desired.profile.sku
    missing = tuple(_missing(folder, desired, sku, gate))
    bundles = {probe: bundle.encode() for probe, bundle in _bundles(folder)}
    report = await gate.judge(desired, bundles)
    known_missing = {c.id for c in _explained(missing, bundles)}
    checks = [c for c in report.checks if c.id not in known_missing]
    absent = tuple(
        Check(
            id=f"evidence.{name}",
            verdict=Verdict.UNKNOWN,
            expected=KINDS[name].about if name in KINDS else name,
            message=f"the folder has no {name}",
            action=Action.COLLECT,
        )
        for name in missing
    )
    twice = (
        error(f"evidence.{name}", "", f"{n} files are {name}: keep the one that counts") for name, n in _twice(folder)
    )
    return report.model_copy(update={"checks": (*absent, *twice, *checks)})


def _output(path: Path, data: bytes) -> Output | str:
    """The evidence of a file, or why it is none."""
    named = _named(path.name)
    try:
        text = decoded(data)
    except Unreadable as refused:
        return Output(path.name, named[0], named[1], "") if named else str(refused)
    if named:
        return Output(path.name, *named, text)
    kind = sniff(text)
    if kind is None:
        return "neither its name nor its content says what it is"
    return Output(path.name, kind.name, "" if _single(kind) else path.name.partition(".")[0], text)


def _named(name: str) -> tuple[str, str] | None:
    """Kind and part by a file's name."""
    found = re.fullmatch(r"([a-z0-9-]+)(?:@([^.]+))?(?:\.[^/]*)?", name)
    if found is None or found[1] not in KINDS:
        return None
    part = found[2] or ""
    if found[1] == "sminfo":
        device, dash, port = part.rpartition("-")
        part = f"{device}/{port}" if dash else part
    return found[1], part


def _single(kind: Kind) -> bool:
    """Whether a node has one output of this kind, so that a second one is a contradiction."""
    return kind.name not in (
        "nvme-smart-log",
        "perftest",
        "perfquery",
        "fio",
        "sminfo",
        "saquery-node",
        "smpquery-nodedesc",
    )


def _twice(folder: Folder) -> list[tuple[str, int]]:
    return [(name, n) for name, n in Counter(o.command for o in folder.outputs).items() if n > 1]


def _missing(folder: Folder, desired: Desired, sku: Sku, gate: Gate) -> Iterator[str]:
    """Kinds that had to be there, each with a part where it is one of several."""
    have = {o.kind for o in folder.outputs if not o.part}
    if "pci" not in have and "lspci" not in have:
        yield "lspci"
    if sku.gpu_count or sku.gpu_model:
        known = gate.thresholds.get(sku.gpu_model or "")
        by = Judging(sku, sku.burn_in_level, known, gate.common, gate.xids)
        yield from (kind for kind in ("nvidia-smi-xml", *required_outputs(by)) if kind not in have)
    probes = gate.probes(desired)
    yield from (k for p, k in (("infiniband", "ibstat"), ("mounts", "mountinfo")) if p in probes and k not in have)


def _explained(missing: tuple[str, ...], bundles: Mapping[str, bytes]) -> Iterator[Check]:
    """What the gate says of the same gaps, in the words of a probe that did not come to its command."""
    for name in missing:
        probe = _PROBE.get(name, "gpu")
        yield error(f"output.{name}", "", "")
        if probe not in bundles:
            yield error(f"{probe}.bundle", "", "")
        if name == "lspci":
            yield error("gpu.count.bus", "", "")
        if name in ("lspci", "nvidia-smi-xml", *_PROBE):
            yield error(f"{probe}.reading", "", "")


def _bundles(folder: Folder) -> Iterator[tuple[str, Bundle]]:
    probes: dict[str, list[CommandRecord]] = {"host": []}
    for output in folder.outputs:
        record = CommandRecord(name=output.command, argv=(output.file,), rc=0, stdout=output.text)
        probes.setdefault(_PROBE.get(output.kind, "gpu"), []).append(record)
    for probe, records in probes.items():
        yield probe, Bundle(probe=probe, started=0.0, seconds=0.0, commands=tuple(records))


def _asked_subnet(folder: Folder) -> bool:
    return any(
        o.kind in ("saquery-node", "smpquery-nodedesc", "smpquery-pkeys", "ibnetdiscover") or o.part == _SUBNET
        for o in folder.outputs
    )


_SUBNET_READERS: Mapping[str, Callable[[str], Any]] = {
    "manager": read_sminfo,
    "description": read_node_description,
    "record": read_node_record,
    "pkeys": read_pkeys,
}


@dataclass(frozen=True, slots=True)
class _Subnet:
    """Implements ``SubnetManager`` with what was asked on the manager's side and put in the folder."""

    folder: Folder

    async def see(self, guid: str, lid: int) -> SubnetView:
        """``sminfo@subnet``, ``smpquery-nodedesc@GUID``, ``saquery-node@LID`` and ``smpquery-pkeys@LID``."""
        view, trouble = SubnetView(None, None, None, (), b""), list[str]()
        names = {plain_guid(part): text for part, text in self.folder.texts("smpquery-nodedesc").items()}
        texts = {
            "manager": self.folder.texts("sminfo").get(_SUBNET),
            "description": names.get(guid),
            "record": self.folder.texts("saquery-node").get(str(lid)),
            "pkeys": self.folder.texts("smpquery-pkeys").get(str(lid)),
        }
        for name, read in _SUBNET_READERS.items():
            try:
                if (text := texts[name]) is None:
                    raise Unreadable(f"the folder has no {name} of the subnet's side")
                view = replace(view, **{name: read(text)})
            except Unreadable as refused:
                trouble.append(str(refused))
        return replace(view, trouble=tuple(trouble), raw=repr(texts).encode())

    async def links(self) -> FabricView:
        """``ibnetdiscover``."""
        text = self.folder.texts("ibnetdiscover").get("")
        if text is None:
            return FabricView(None, "the folder has no ibnetdiscover", b"")
        try:
            return FabricView(read_ibnetdiscover(text), "", text.encode())
        except Unreadable as refused:
            return FabricView(None, str(refused), text.encode())


class _Hashes:
    """Implements ``Evidence``: the folder keeps the outputs, so only their hashes are made."""

    async def put(self, data: bytes) -> str:
        """The SHA-256."""
        return hashlib.sha256(data).hexdigest()

    async def get(self, sha256: str) -> bytes:
        """Nothing is kept."""
        raise Refused(f"{sha256} is not kept: look at the folder's files")
