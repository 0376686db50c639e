"""A hardware report as people read it: who it is first, then what it has, then what to know about it."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from frontends.cli.output import table
from workflows.model.hardware import BootShown, HardwareReport, Part, SessionsShown

type Rows = Sequence[Sequence[str | None]]


def report_tables(report: HardwareReport) -> Iterator[Table]:
    """The tables, in order; those that would be empty are left out."""
    yield _table("", (), _who(report))
    cpus = [[c.name, c.model, c.serial, str(c.cores or ""), c.place] for c in report.cpus]
    dimms = [[d.name, d.model, d.serial, _memory(d.size), d.place] for d in report.dimms]
    gpus = [[g.name, g.model, g.serial, g.firmware, _link(g), g.place] for g in report.gpus]
    nics = [
        [n.name, n.model, n.serial, n.firmware, _link(n), ", ".join(n.macs + n.guids), n.place] for n in report.nics
    ]
    disks = [[d.name, d.model, d.serial, d.firmware, _size(d.size), d.place] for d in report.disks]
    psus = [[p.name, p.model, p.serial, f"{p.watts} W" if p.watts else None, p.place] for p in report.psus]
    groups: tuple[tuple[str, tuple[str, ...], Rows], ...] = (
        (f"{len(cpus)} CPUs", ("name", "model", "serial", "cores", "place"), cpus),
        (f"{len(dimms)} memory modules", ("name", "model", "serial", "size", "place"), dimms),
        (f"{len(gpus)} GPUs", ("name", "model", "serial", "firmware", "link", "place"), gpus),
        (
            f"{len(nics)} network adapters",
            ("name", "model", "serial", "firmware", "link", "MACs, GUIDs", "place"),
            nics,
        ),
        (f"{len(disks)} disks", ("name", "model", "serial", "firmware", "size", "place"), disks),
        (f"{len(psus)} power supplies", ("name", "model", "serial", "gives", "place"), psus),
        ("empty places", ("part", "place"), [[slot.kind.value, slot.place] for slot in report.empty]),
        ("firmware", ("name", "version"), [[f.name, f.version] for f in report.firmware]),
        ("sensors", ("name", "reading", "state"), [[s.name, s.reading, s.state] for s in report.sensors]),
        ("security findings", (), [[f] for f in report.findings]),
        ("quirks in force", (), [[q] for q in report.quirks]),
        ("could not be read", (), [[g] for g in report.gaps]),
    )
    for title, columns, rows in groups:
        if rows:
            yield _table(title, columns, rows)


def _who(report: HardwareReport) -> Rows:
    macs = ", ".join(report.boot_macs)
    others: Rows = [["not", f"{other.path}: {other.why}"] for other in report.others]
    return [
        ["machine", f"{report.vendor} {report.model}".strip() or None],
        ["serial", report.serial],
        ["UUID", report.uuid],
        ["System", f"{report.system} ({report.why})" if report.system else None],
        *others,
        ["power", report.power],
        ["boot", _boot(report.boot)],
        ["boot targets", ", ".join(report.boot.allowed) or None],
        ["resets", ", ".join(report.resets) or None],
        ["MACs", macs or None],
        ["BIOS, BMC", f"{report.bios or 'unknown'}, {report.bmc or 'unknown'}"],
        ["virtual media", "yes" if report.virtual_media else "no"],
        ["sessions", _sessions(report.sessions)],
    ]


def _boot(boot: BootShown) -> str:
    said = f"override {boot.enabled or 'not shown'}, target {boot.target or 'not shown'}"
    said += f", mode {boot.mode}" if boot.mode else ""
    said += f"; a network boot would use {boot.network}" if boot.network else "; no network boot is offered"
    return said + (f"; set on {boot.settings}" if boot.settings else "")


def _sessions(sessions: SessionsShown) -> str:
    if not sessions.supported:
        return "not supported: writes are fenced by time"
    idle = f", end after {sessions.timeout} s of idleness" if sessions.timeout else ""
    return f"supported{idle}{'; ' + sessions.said if sessions.said else ''}"


def _size(size: int | None) -> str | None:
    if size is None:
        return None
    return f"{size / 10**12:.2f} TB" if size >= 10**12 else f"{size / 10**9:.0f} GB"


def _memory(size: int | None) -> str | None:
    return f"{size / 2**30:.0f} GiB" if size is not None else None


def _link(part: Part) -> str | None:
    return str(part.pcie) if part.pcie is not None else None


def _table(title: str, columns: tuple[str, ...], rows: Rows) -> Table:
    headed = columns or ("",) * len(rows[0])
    used = [i for i in range(len(headed)) if any(row[i] for row in rows)]
    made = table(title, [headed[i] for i in used], [[row[i] or "–" for i in used] for row in rows])
    made.show_header = bool(columns)
    return made
