"""Every stream, subject and durable consumer of a site, with its settings. Data only: nothing here talks to a server.

Why these settings (all measured on nats-server 2.15):

- ``KV_state`` keeps the newest record of a key. Lease and journal share it, because the server's check of *another* key's
  sequence (our fence) works within one stream only. Delete markers make an expiry visible and give the next holder the
  sequence to create from.
- ``WAKE`` discards *old*: with discard *new* per subject, a republish right after an acknowledgement was refused now and
  then on three replicas, and a wake was lost.
- No ``max_deliver`` anywhere: after it a message stays stored and is never seen again. Attempts are counted in the journal.
"""

from dataclasses import dataclass
from datetime import timedelta

from workflows.model.errors import Refused
from workflows.model.record import Json

IMPORTED_API = "BRINGUP.API"
"""JetStream's API as a role's account sees it (see ``permissions``)."""

STATE = "KV_state"
STATE_PREFIX = "$KV.state."
EVIDENCE_BUCKET = "evidence"
EVIDENCE = "OBJ_evidence"

MARKER_TTL = timedelta(hours=1)
DEDUPE_WINDOW = timedelta(minutes=10)
MAX_MESSAGE = 1_000_000
"""The largest record, in bytes: nats-server takes 1 MiB a message with its headers."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. ``max_bytes`` and ``per_subject`` are -1 where there is no limit; ``max_age`` None keeps for ever."""

    name: str
    subjects: tuple[str, ...]
    about: str
    work_queue: bool = False
    per_subject: int = -1
    max_age: timedelta | None = None
    max_bytes: int = -1
    dedupe: timedelta = timedelta(minutes=2)
    key_value: bool = False
    object_store: bool = False

    def config(self, replicas: int) -> dict[str, Json]:
        """The stream's configuration as the server's API takes it; durations are nanoseconds."""
        config: dict[str, Json] = {
            "name": self.name,
            "description": self.about,
            "subjects": list(self.subjects),
            "retention": "workqueue" if self.work_queue else "limits",
            "storage": "file",
            "num_replicas": replicas,
            "discard": "old",
            "max_msgs_per_subject": self.per_subject,
            "max_msgs": -1,
            "max_bytes": self.max_bytes,
            "max_age": nanoseconds(self.max_age) if self.max_age is not None else 0,
            "max_msg_size": -1 if self.object_store else MAX_MESSAGE,
            "duplicate_window": nanoseconds(self.dedupe),
            "allow_direct": not self.work_queue,
        }
        if self.key_value:
            config |= {
                "discard": "new",
                "deny_delete": True,
                "allow_rollup_hdrs": True,
                "allow_msg_ttl": True,
                "subject_delete_marker_ttl": nanoseconds(MARKER_TTL),
            }
        if self.object_store:
            config |= {"discard": "new", "allow_rollup_hdrs": True}
        return config


@dataclass(frozen=True, slots=True)
class Consumer:
    """One durable consumer, in order and one at a time: what nobody acknowledges or holds comes again after ``wait``."""

    durable: str
    stream: str
    filters: tuple[str, ...]
    wait: timedelta = timedelta(seconds=5)

    def config(self) -> dict[str, Json]:
        """The consumer's configuration as the server's API takes it."""
        config: dict[str, Json] = {
            "durable_name": self.durable,
            "name": self.durable,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(self.wait),
            "max_deliver": -1,
            "max_ack_pending": 1024 if self.stream == "WAKE" else 1,
        }
        one = len(self.filters) == 1
        return config | ({"filter_subject": self.filters[0]} if one else {"filter_subjects": list(self.filters)})


STREAMS: tuple[Stream, ...] = (
    Stream(STATE, (f"{STATE_PREFIX}>",), "The newest record of every key of the site", per_subject=1, key_value=True),
    Stream("WAKE", ("wake.>",), "Nodes that somebody should look at", work_queue=True, per_subject=1),
    Stream(
        "EVENTS",
        ("evt.>", "command.>"),
        "What happened outside, and what people ask for",
        max_age=timedelta(days=30),
        dedupe=DEDUPE_WINDOW,
    ),
    Stream("LOG", ("log.>",), "Lines of tools, by run and step", max_age=timedelta(days=30), max_bytes=1 << 30),
    Stream("NOTE", ("note.>",), "What people should hear of", max_age=timedelta(days=7), dedupe=DEDUPE_WINDOW),
    Stream("DEAD", ("dead.>",), "Input that could not be parsed, with the reason", max_age=timedelta(days=90)),
    Stream(
        EVIDENCE,
        (f"$O.{EVIDENCE_BUCKET}.C.>", f"$O.{EVIDENCE_BUCKET}.M.>"),
        "Raw outputs and reports by SHA-256",
        object_store=True,
    ),
)


def wakes_of(site: str) -> Consumer:
    """The consumer that all workers of a site share."""
    return Consumer(f"wake-{site}", "WAKE", (f"wake.{site}.*",))


def stream_of(subject: str) -> Stream:
    """The stream that owns a subject or a filter.

    Raises:
        Refused: none does.
    """
    head = subject.partition(".")[0]
    for stream in STREAMS:
        if any(head == s.partition(".")[0] for s in stream.subjects) and not subject.startswith("$"):
            return stream
    raise Refused(f"no stream keeps {subject[:200]!r}; publish on evt, command, note, log, dead or wake")


def nanoseconds(duration: timedelta) -> int:
    """A duration as the server's API writes it."""
    return duration // timedelta(microseconds=1) * 1000
