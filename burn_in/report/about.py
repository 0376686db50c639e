"""Whose burn-in a report is of: what the page and the JSON say beside the checks."""

from workflows.model.record import Record


class About(Record):
    """The node and the run. ``run`` is empty where files were judged without one; times are ISO 8601 in UTC, or empty."""

    node: str
    serial: str = ""
    rack: str = ""
    sku: str = ""
    release: str = ""
    run: str = ""
    attempt: int = 1
    made: str = ""
    report: str = ""
