"""The record of a run for people who weren't there: what was asked, what happened, the evidence, who decided. Pure.

Every line carries the server's time in UTC. Nothing is interpreted: reasons stand as they were written into the journal.
What comes from outside (names, reasons) is quoted so that it can't become markup of the page.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from frontends.run_story import DECISIONS, Story
from workflows.model.journal import Entry, Kind
from workflows.model.verdict import BurnInReport

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_UNSAID = (Kind.CLAIMED, Kind.SESSION)


def incident(told: Story, report: BurnInReport | None, now: datetime) -> str:
    """The record as Markdown. ``report`` is the newest burn-in's, None where the run came to none."""
    run, state = told.run, told.state
    wish, profile = run.desired, run.desired.profile
    how = f"ended: {state.outcome.value}" if state.outcome and told.ended else "is open"
    asked = [
        ("node", f"{wish.label} ({run.node}), serial {wish.serial or 'unknown'}, rack {wish.rack or 'none'}"),
        ("workflow", f"{run.workflow}, in this order: {', '.join(s.name for s in run.steps)}"),
        ("asked by", run.asked_by),
        ("reason given", run.reason or "none"),
        ("release", f"{profile.release.name}, image {profile.release.image.name}" if profile else "none"),
        ("image SHA-256", profile.release.image.raw_sha256 if profile else ""),
        ("campaign", run.campaign or ""),
        ("approval", "a person had to approve it" if run.approval else "none was needed"),
        ("forced", "yes: running jobs were not waited for" if run.force else ""),
        ("digest of what was approved", state.approved),
    ]
    parts = [
        f"# Run {text(run.id)}: {text(run.workflow)} of {text(wish.label)} {how}",
        f"Written {_at(now)} from the run's journal. All times are the server's, in UTC.",
        _section("What was asked", [f"- {name}: {text(said)}" for name, said in asked if said]),
        _section(
            "Decisions, and who made them", list(_decisions(told)) or ["Nobody decided anything: it ran by itself."]
        ),
        _section("What happened", list(_happened(told))),
        _section("How long it took", list(_took(told))),
        _section("Evidence", list(_evidence(told, report))),
    ]
    if not told.ended:
        parts.insert(2, "**It is still open: this record ends where the run stands now.**")
    return "\n\n".join(parts) + "\n"


def text(said: str) -> str:
    """Words from outside as they are: no markup, no line breaks, no control characters."""
    plain = "".join(c if c.isprintable() else " " for c in said)
    return _MARKUP.sub(r"\\\1", plain)


def _section(title: str, lines: list[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines)


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _decisions(told: Story) -> Iterator[str]:
    for entry, at in told.entries:
        if entry.kind in DECISIONS:
            who = entry.person or "bringup"
            command = f", command {entry.request}" if entry.request else ""
            yield f"- {_at(at)} **{entry.kind.value}** by {text(who)}{command}: {text(entry.reason or 'no reason given')}"


def _happened(told: Story) -> Iterator[str]:
    yield "| time | step | what | why |"
    yield "|---|---|---|---|"
    for entry, at in told.entries:
        if entry.kind not in _UNSAID:
            yield f"| {_at(at)} | {text(told.step_of(entry))} | {_what(entry)} | {text(entry.reason)} |"


def _what(entry: Entry) -> str:
    tries = f", try {entry.attempt}" if entry.kind is Kind.INTENT and entry.attempt > 1 else ""
    due = f", until {_at(entry.deadline)}" if entry.kind is Kind.WAITING and entry.deadline else ""
    word = "began" if entry.kind is Kind.INTENT else entry.kind.value
    return f"{word}{tries}{due}"


def _took(told: Story) -> Iterator[str]:
    if told.began is not None and told.ended is not None:
        yield f"- all of it: {_seconds((told.ended - told.began).total_seconds())}"
    for bar in told.bars():
        tries = f", {bar.tries} tries" if bar.tries > 1 else ""
        how = "" if bar.well else ", not ended" if bar.end is None else ", did not end well"
        yield f"- {bar.step}: {_seconds((bar.end - bar.began).total_seconds()) if bar.end else 'open'}{tries}{how}"


def _evidence(told: Story, report: BurnInReport | None) -> Iterator[str]:
    workers = text(", ".join(sorted({e.worker for e, _ in told.entries})))
    key = f"journal.{told.run.node}.{told.run.cause}"
    yield f"- journal: {len(told.entries)} entries under {key}, by {workers}"
    if not told.report():
        yield "- burn-in: the run came to none"
    elif report is None:
        yield f"- burn-in: report {told.report()}, which is not kept any more"
    else:
        yield f"- burn-in: report {told.report()}, {len(report.checks)} checks, {len(report.failures)} against the node"
        for check in report.failures:
            measured = f" measured {check.measured}, expected {check.expected}" if check.measured else ""
            raw = f" (raw output {check.evidence})" if check.evidence else ""
            said = f"{check.id} {check.entity}: {check.verdict.value} {check.message}{measured}"
            yield f"  - {text(said)}{raw}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
