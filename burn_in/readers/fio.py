"""``fio --output-format=json`` (fio 3). Source: fio's HOWTO and stat.c."""

from collections.abc import Mapping
from dataclasses import dataclass

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.unreadable import Unreadable


@dataclass(frozen=True, slots=True)
class FioDirection:
    """Reads or writes of a job. ``latency_ns``: completion latency; percentiles by fio's own text (``99.000000``)."""

    bytes_per_s: float
    iops: float
    total: int
    runtime_ms: int
    latency_mean_ns: float | None
    latency_ns: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FioJob:
    """One job, or the sum of a group (``--group_reporting``). ``error``: an errno; with one its numbers mean little.

    A direction without any operation is None: it was not measured.
    """

    name: str
    error: int
    read: FioDirection | None
    write: FioDirection | None


@dataclass(frozen=True, slots=True)
class Fio:
    """One run."""

    version: str
    jobs: tuple[FioJob, ...]


def read_fio(text: str) -> Fio:
    """All jobs.

    Raises:
        Unreadable: no JSON of fio 3, half of it, or no job.
    """
    run = one_object(text, "fio")
    jobs = tuple(_job(j) for j in run.children("jobs"))
    if not jobs:
        raise Unreadable("fio: no job")
    return Fio(run.text("fio version"), jobs)


def _job(job: JsonObject) -> FioJob:
    return FioJob(
        job.text("jobname"), job.whole("error"), _direction(job.child("read")), _direction(job.child("write"))
    )


def _direction(part: JsonObject) -> FioDirection | None:
    total = part.whole("total_ios")
    if total == 0:
        return None
    latency = part.maybe_child("clat_ns")
    percentiles = latency.maybe_child("percentile") if latency else None
    return FioDirection(
        bytes_per_s=part.number("bw_bytes"),
        iops=part.number("iops"),
        total=total,
        runtime_ms=part.whole("runtime"),
        latency_mean_ns=latency.number("mean") if latency and latency.values.get("mean") is not None else None,
        latency_ns={name: percentiles.number(name) for name in percentiles.values} if percentiles else {},
    )
