"""Kubernetes, asked over its REST API.

Facts, by the Kubernetes API reference v1.31 (Node, Pod, Eviction policy/v1) and "Safely Drain a Node": a node is closed by
``spec.unschedulable``; an eviction is a POST to a pod's ``eviction`` subresource, answered 429 while a disruption budget
forbids it; DaemonSet pods ignore unschedulable, and mirror pods belong to the kubelet: neither is work of the node's users.

A job is never ended by us, and an eviction ends what it evicts. So only pods whose controller is one of ``_MOVABLE`` are
evicted: it starts an equal one elsewhere, and its author knows that this happens. Every other pod (a batch Job's, a training
operator's, a bare one) is work that is waited for.

The drain is ours by the annotation ``bringup/drain``. Changes carry the resource version that was read, so an administrator
who cordons in the same moment wins (409), and ours is tried again.
"""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import aiohttp

from workflows.drivers.scheduler.names import NodeNames, name_of
from workflows.engine.ports import Duty
from workflows.model.desired import Desired
from workflows.model.errors import AuthenticationFailed, BringupError, Refused, Transient, Unreachable

ANNOTATION = "bringup/drain"
MAX_ANSWER = 32 << 20
_MIRROR = "kubernetes.io/config.mirror"
_MOVABLE = frozenset({"ReplicaSet", "StatefulSet", "ReplicationController"})
_ENDED = frozenset({"Succeeded", "Failed"})

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """Implements ``Scheduler``. ``token`` gives the bearer token at each call, ``ca`` is a PEM file of authorities.

    The account needs: get and patch nodes, list pods, create pods/eviction.
    """

    url: str
    token: Callable[[], str]
    ca: str | None = None
    names: NodeNames = NodeNames.SHORT
    timeout: timedelta = timedelta(seconds=20)

    async def duty(self, node: Desired) -> Duty | None:
        """How the cluster sees the node; None where it has none of that name."""
        async with self._session() as session:
            found = await self._node(session, node)
            if found is None:
                return None
            pods = await self._pods(session, _name(found))
        closed = bool(found["spec"].get("unschedulable"))
        return Duty(
            jobs=tuple(f"pod {_label(p)}" for p in pods if not _movable(p)),
            moving=tuple(f"pod {_label(p)}" for p in pods if _movable(p)),
            open=not closed,
            reason=_reason(found) if closed else "",
            present=any(
                c.get("type") == "Ready" and c.get("status") == "True" for c in found["status"].get("conditions", ())
            ),
        )

    async def drain(self, node: Desired, reason: str) -> None:
        """Cordon it with our annotation, if nobody has cordoned it; evict what runs elsewhere as well."""
        async with self._session() as session:
            found = await self._node(session, node)
            if found is None:
                return
            if not found["spec"].get("unschedulable"):
                await self._patch(session, found, unschedulable=True, reason=reason)
            for pod in await self._pods(session, _name(found)):
                if _movable(pod):
                    await self._evict(session, pod)

    async def resume(self, node: Desired, reason: str) -> None:
        """Uncordon it, if it is cordoned with exactly this reason."""
        async with self._session() as session:
            found = await self._node(session, node)
            if found is not None and found["spec"].get("unschedulable") and _reason(found) == reason:
                await self._patch(session, found, unschedulable=None, reason=None)

    async def _node(self, session: aiohttp.ClientSession, node: Desired) -> Row | None:
        name = quote(name_of(node, self.names))
        status, body = await self._send(session, "GET", f"/api/v1/nodes/{name}", accept=frozenset({404}))
        if status == 404:
            return None
        if not (isinstance(body.get("metadata"), dict) and isinstance(body.get("spec"), dict)):
            raise Refused(f"Kubernetes answered for node {name} with something that is no Node")
        return {"status": {}, **body}

    async def _pods(self, session: aiohttp.ClientSession, name: str) -> list[Row]:
        """The pods of the node that are work: not ended, no mirror, of no DaemonSet."""
        selector = quote(f"spec.nodeName={name}")
        _, body = await self._send(session, "GET", f"/api/v1/pods?fieldSelector={selector}")
        items = body.get("items")
        if not isinstance(items, list):
            raise Refused(f"Kubernetes listed the pods of {name} with something that is no list")
        return [pod for pod in items if _is_work(pod)]

    async def _patch(
        self, session: aiohttp.ClientSession, found: Row, *, unschedulable: bool | None, reason: str | None
    ) -> None:
        meta = {"resourceVersion": found["metadata"].get("resourceVersion"), "annotations": {ANNOTATION: reason}}
        body = {"metadata": meta, "spec": {"unschedulable": unschedulable}}
        path = f"/api/v1/nodes/{quote(_name(found))}"
        status, _ = await self._send(session, "PATCH", path, body, frozenset({409}))
        if status == 409:
            raise Transient(f"node {_name(found)} was changed by somebody else in the same moment")

    async def _evict(self, session: aiohttp.ClientSession, pod: Row) -> None:
        """Ask once. 404: gone; 409: another pod of that name by now; 429: its disruption budget forbids it for now."""
        meta = pod["metadata"]
        name, namespace = str(meta["name"]), str(meta["namespace"])
        options = {"preconditions": {"uid": meta.get("uid")}}
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": options,
        }
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}/eviction"
        await self._send(session, "POST", path, eviction, frozenset({404, 409, 429}))

    def _session(self) -> aiohttp.ClientSession:
        try:
            tls: ssl.SSLContext | bool = ssl.create_default_context(cafile=self.ca) if self.ca else True
        except OSError as error:
            raise Refused(f"Kubernetes' authorities {self.ca} can't be read: {error.strerror}") from None
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            timeout=aiohttp.ClientTimeout(total=self.timeout.total_seconds()),
            headers={"Authorization": f"Bearer {self.token()}", "Accept": "application/json"},
        )

    async def _send(
        self,
        session: aiohttp.ClientSession,
        verb: str,
        path: str,
        body: Row | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> tuple[int, Row]:
        """One request; a status of ``accept`` is returned like a success.

        Raises:
            Unreachable: no answer, or the server's own trouble (5xx, 429).
            AuthenticationFailed, Refused: it refuses us, or what was asked.
        """
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        data = json.dumps(body) if body is not None else None
        try:
            async with session.request(
                verb, self.url.rstrip("/") + path, data=data, headers={"Content-Type": kind}, allow_redirects=False
            ) as answer:
                raw = await answer.content.read(MAX_ANSWER + 1)
                while len(raw) <= MAX_ANSWER and (more := await answer.content.read(MAX_ANSWER)):
                    raw += more
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(
                f"Kubernetes did not answer {verb} {path[:100]}: {error or type(error).__name__}"
            ) from None
        if len(raw) > MAX_ANSWER:
            raise Refused(f"Kubernetes answered {verb} {path[:100]} with more than {MAX_ANSWER} bytes")
        parsed = _parsed(raw)
        if not 200 <= answer.status < 300 and answer.status not in accept:
            raise _failure(verb, path, answer.status, parsed)
        return answer.status, parsed


def _parsed(raw: bytes) -> Row:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _failure(verb: str, path: str, status: int, body: Row) -> BringupError:
    said = f"Kubernetes answered {verb} {path[:100]} with {status}: {str(body.get('message', ''))[:200]}"
    if status in (401, 403):
        return AuthenticationFailed(f"{said}; check the account's token and role")
    return Unreachable(said) if status == 429 or status >= 500 else Refused(said)


def _name(node: Row) -> str:
    return str(node["metadata"].get("name", ""))


def _reason(node: Row) -> str:
    noted = (node["metadata"].get("annotations") or {}).get(ANNOTATION)
    return str(noted) if noted else "cordoned by somebody else"


def _is_work(pod: Row) -> bool:
    meta, status = pod.get("metadata") or {}, pod.get("status") or {}
    mirror = _MIRROR in (meta.get("annotations") or {})
    return not mirror and _controller(pod) != "DaemonSet" and status.get("phase") not in _ENDED


def _movable(pod: Row) -> bool:
    return _controller(pod) in _MOVABLE


def _controller(pod: Row) -> str:
    owners = (pod.get("metadata") or {}).get("ownerReferences") or ()
    return next((str(o.get("kind")) for o in owners if o.get("controller")), "")


def _label(pod: Row) -> str:
    meta = pod["metadata"]
    return f"{meta.get('namespace')}/{meta.get('name')}"
