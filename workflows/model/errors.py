"""Every error that bringup raises on purpose, split by what the engine does next.

::

    BringupError
    ├── Transient        try the step again, with jitter, a bounded number of times
    │   ├── Unreachable    no answer within the deadline (BMC, host, NetBox, NATS)
    │   └── Busy           the other side answered "not now" (503, jobs pending, POST in progress)
    ├── Refused          fail the run: asking again can't help
    │   ├── BadInput       untrusted input that was refused at the edge, with the reason
    │   ├── AuthenticationFailed   the BMC refused our credential; never retried (lock-out)
    │   └── Unsupported    the machine or its BMC can't do this
    ├── NeedsHuman       park the run and ask a person
    │   └── IdentityMismatch       another machine answers than the one that we are working on
    ├── Fenced           our authority is gone: drop everything, write nothing
    └── Conflict         a compare-and-set lost: read again and decide again

The message of each says what happened, to which node and step, and what to do next.
"""


class BringupError(Exception):
    """Base of all; never raised itself."""


class Transient(BringupError):
    """The act may be tried again: the engine retries with jitter, a bounded number of times."""


class Unreachable(Transient):
    """No answer within the deadline."""


class Busy(Transient):
    """The other side answered that it can't do this now."""


class Refused(BringupError):
    """Asking again can't help: the engine fails the run."""


class BadInput(Refused):
    """Untrusted input was refused at the edge; the message is the reason, safe to show to its sender."""


class AuthenticationFailed(Refused):
    """A credential was refused. Never retried: BMCs lock the account."""


class Unsupported(Refused):
    """The machine or its BMC can't do what was asked."""


class NeedsHuman(BringupError):
    """The world can't tell us what is safe: the engine parks the run and asks a person."""


class IdentityMismatch(NeedsHuman):
    """Another machine answers than the one that this run is for (serial, UUID, MAC)."""


class Fenced(BringupError):
    """We are no longer the holder: drop everything, write nothing."""


class Conflict(BringupError):
    """A compare-and-set was refused by the server: somebody wrote in between."""
