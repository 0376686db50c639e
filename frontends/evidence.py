"""The bundle of a node's newest burn-in: what a repair shop, a vendor or an auditor needs, in one file.

The report's hash stands in the run's journal: in the result of the step that accepted, or in the sentence of the one that
refused (``(report HASH)``). Each raw output that a check was read from is named by its hash and checked on its way out.
"""

import io
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass

from frontends.log_text import lines
from frontends.read_model import NodeView
from frontends.run_story import Story, story
from frontends.site import ConnectedSite
from workflows.model.errors import BadInput, Refused
from workflows.model.hardware import HardwareReport
from workflows.model.run import Run
from workflows.model.verdict import BurnInReport

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Pages:
    """How a report becomes files: name and text of each, from the report, its hash and the run that made it."""

    render: Callable[[BurnInReport, str, Run], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files by their names, and the name of all together."""

    name: str
    files: dict[str, bytes]

    def packed(self, modified: int) -> bytes:
        """A compressed tar, all of it in one directory; the same files give the same archive (seconds since 1970)."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:xz") as archive:
            for name, data in sorted(self.files.items()):
                entry = tarfile.TarInfo(f"{self.name}/{name}")
                entry.size, entry.mtime, entry.mode = len(data), modified, 0o600
                archive.addfile(entry, io.BytesIO(data))
        return out.getvalue()


async def gather(site: ConnectedSite, view: NodeView, pages: Pages, *, rma: bool) -> Bundle:
    """The newest burn-in of a node. ``rma`` adds what identifies its parts, the run's journal and its log.

    Raises:
        BadInput: no run of it has judged anything yet.
        Refused: a piece of evidence isn't kept any more, or doesn't have its hash.
    """
    told = await _newest_run(site, view)
    run, sha256, label = told.run, told.report(), view.desired.label
    report = BurnInReport.decode(await site.evidence.get(sha256))
    files = {name: text.encode() for name, text in pages.render(report, sha256, run).items()}
    missing = []
    for raw in sorted({c.evidence for c in report.checks if c.evidence}):
        try:
            files[f"evidence/{raw}"] = await site.evidence.get(raw)
        except Refused as error:
            missing.append(str(error))
    if rma:
        if view.status.inventory:
            inventory = HardwareReport.decode(await site.evidence.get(view.status.inventory))
            files["inventory.json"] = inventory.model_dump_json(indent=1).encode()
        files["journal.txt"] = "".join(f"{'  '.join(line.values())}\n" for line in told.lines()).encode()
        logged = [f"{line.time.isoformat()} {line.step} {line.text}\n" async for line in lines(site, run, None, False)]
        files["log.txt"] = "".join(logged).encode()
    files["README.txt"] = _readme(view, run, report, missing, rma).encode()
    return Bundle(_UNSAFE.sub("-", f"{label}-{run.cause}{'-rma' if rma else ''}"), files)


async def _newest_run(site: ConnectedSite, view: NodeView) -> Story:
    if view.status.cause is None:
        raise BadInput(f"{view.desired.label} has had no run yet: there is no evidence of it")
    told = await story(site.store, view.desired.node, view.status.cause)
    if not told.report():
        raise BadInput(
            f"run {told.run.id} of {view.desired.label} has not come to a burn-in: bringup show has its journal"
        )
    return told


def _readme(view: NodeView, run: Run, report: BurnInReport, missing: list[str], rma: bool) -> str:
    """What is in it, what is to be replaced, and what is not in it."""
    out = [
        f"{view.desired.label}, serial {view.desired.serial or 'unknown'}, run {run.id}",
        "accepted" if report.accepted else f"not accepted: {len(report.failures)} checks",
        "",
    ]
    for check in report.failures:
        part = report.part(check.entity)
        who = f"{part.name}, {part.place}, serial {part.serial}" if part else check.entity or "the node"
        out.append(f"{check.action}: {who}: {check.id}: {check.message} (evidence {check.evidence or 'none'})")
    out += [
        "",
        "report.html and report.json: all checks. evidence/: the raw outputs, each named by its SHA-256.",
        *(
            (
                "inventory.json (where one was made): parts, places and serials as the BMC showed them. journal.txt and "
                "log.txt: the run.",
                "Not in here: the BMC's event log (bringup bmc sel ADDRESS), and NVIDIA's bug report, which is made on the "
                "node (nvidia-bug-report.sh).",
            )
            if rma
            else ()
        ),
        *(f"Missing: {words}" for words in missing),
    ]
    return "\n".join(out) + "\n"
