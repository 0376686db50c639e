"""Heat maps: parts beside each other, a row a check, a column a part. Pure; what is drawn is in the checks already."""

from dataclasses import dataclass

from workflows.model.verdict import BurnInReport, Check, Part, Verdict

_ORDER = (Verdict.FAIL, Verdict.ERROR, Verdict.UNKNOWN, Verdict.SKIP, Verdict.WARN, Verdict.PASS)


@dataclass(frozen=True, slots=True)
class Cell:
    """One part in one check. ``verdict`` is its colour; ``warmth``, 0 to 9, its place among the values of its row."""

    verdict: Verdict
    text: str
    title: str
    warmth: int


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A table of cells; None where a part has no such check. Rows that are all passes are left to the last."""

    title: str
    parts: tuple[Part, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def heat_maps(report: BurnInReport) -> tuple[HeatMap, ...]:
    """A map of the GPUs and one of the InfiniBand ports, where there are any."""
    kinds = (
        ("GPUs", ("gpu.", "nvlink.", "dcgm.", "nvbandwidth.", "gemm.")),
        ("InfiniBand ports", ("infiniband.",)),
    )
    return tuple(m for title, prefixes in kinds if (m := _map(title, report, prefixes)))


def _map(title: str, report: BurnInReport, prefixes: tuple[str, ...]) -> HeatMap | None:
    columns: dict[str, Part] = {}
    rows: dict[str, dict[str, Check]] = {}
    for check in report.checks:
        if check.entity and check.id.startswith(prefixes):
            part = report.part(check.entity) or Part(name=check.entity)
            columns[part.name] = part
            row = rows.setdefault(check.id, {})
            row[part.name] = worse(row.get(part.name), check)
    if len(columns) < 2:
        return None
    order = [p.name for p in report.parts]
    names = sorted(columns, key=lambda name: order.index(name) if name in order else len(order))
    drawn = [(name, _row(names, row)) for name, row in rows.items()]
    drawn.sort(key=lambda item: min(_ORDER.index(c.verdict) for c in item[1] if c is not None))
    return HeatMap(title, tuple(columns[name] for name in names), tuple(drawn))


def worse(one: Check | None, other: Check) -> Check:
    """Of two checks of one part the one that matters more."""
    return other if one is None or _ORDER.index(other.verdict) < _ORDER.index(one.verdict) else one


def _row(names: list[str], row: dict[str, Check]) -> tuple[Cell | None, ...]:
    values = [c.value for c in row.values() if c.value is not None]
    least, most = (min(values), max(values)) if values else (0.0, 0.0)
    return tuple(_cell(row[name], least, most) if name in row else None for name in names)


def _cell(check: Check, least: float, most: float) -> Cell:
    spread = most - least
    share = (check.value - least) / spread if check.value is not None and spread > 0 else 1.0
    text = f"{check.value:.6g}" if check.value is not None else check.verdict.value
    title = f"{check.entity}: {check.measured or 'no value'}, expected {check.expected or 'nothing'}"
    return Cell(check.verdict, text, title, min(9, int(share * 10)))
