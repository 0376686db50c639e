"""Redfish bodies: the common frame of a resource, a collection, an error."""

from collections.abc import Iterable

from workflows.model.record import Json

type Body = dict[str, Json]

ROOT = "/redfish/v1"


def resource(path: str, kind: str, name: str, **more: Json) -> Body:
    """A resource; ``kind`` is its type with version (``Chassis.v1_22_0``)."""
    schema = kind.partition(".")[0]
    return {
        "@odata.id": path,
        "@odata.type": f"#{kind}.{schema}",
        "Id": path.rsplit("/", 1)[1],
        "Name": name,
    } | more


def collection(path: str, kind: str, members: Iterable[str]) -> Body:
    """A collection of what ``kind`` names."""
    listed = [link(m) for m in members]
    return {
        "@odata.id": path,
        "@odata.type": f"#{kind}Collection.{kind}Collection",
        "Name": f"{kind} Collection",
        "Members": listed,
        "Members@odata.count": len(listed),
    }


def link(path: str) -> Json:
    """A link."""
    return {"@odata.id": path}


def listed(path: str, kind: str, members: Iterable[Body]) -> dict[str, Body]:
    """A collection together with its members, by path."""
    bodies = {str(m["@odata.id"]): m for m in members}
    return {path: collection(path, kind, bodies)} | bodies


def error_body(code: str, message: str) -> Body:
    """A Redfish error with one extended message; ``code`` with its registry, else one of DMTF's Base."""
    known = code if "." in code else f"Base.1.18.{code}"
    info: Json = [{"MessageId": known, "Message": message}]
    return {"error": {"code": known, "message": message, "@Message.ExtendedInfo": info}}
