"""A stand-in for the Kubernetes API: nodes, pods and evictions, as the API reference v1.31 says they answer.

Not a Kubernetes: what a real API server does besides (admission, watches, paging, the kubelet) is not here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "a-token"


class KubernetesStandIn:
    """Set ``nodes`` and ``pods`` before; ``budget`` names pods that may not be evicted; ``broken``: answers 500."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.budget: set[str] = set()
        self.evicted: list[str] = []
        self.broken = False
        self.raced = False
        self.url = ""

    def node(self, name: str, *, ready: bool = True) -> None:
        """A node that is open."""
        conditions = [{"type": "Ready", "status": "True" if ready else "Unknown"}]
        self.nodes[name] = {
            "metadata": {"name": name, "resourceVersion": "1", "annotations": {}},
            "spec": {},
            "status": {"conditions": conditions},
        }

    def pod(self, name: str, node: str, owner: str = "", *, phase: str = "Running", mirror: bool = False) -> None:
        """A pod of that node; ``owner`` is the kind of its controller."""
        meta: dict[str, Any] = {"name": name, "namespace": "team", "uid": f"uid-{name}"}
        if owner:
            meta["ownerReferences"] = [{"kind": owner, "name": "x", "controller": True}]
        if mirror:
            meta["annotations"] = {"kubernetes.io/config.mirror": "y"}
        self.pods[name] = {"metadata": meta, "spec": {"nodeName": node}, "status": {"phase": phase}}

    def cordon(self, name: str) -> None:
        """What an administrator does."""
        self.nodes[name]["spec"]["unschedulable"] = True

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["KubernetesStandIn"]:
        """Serve on a free port of loopback."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/api/v1/nodes/{name}", self._get)
        app.router.add_patch("/api/v1/nodes/{name}", self._patch)
        app.router.add_get("/api/v1/pods", self._list)
        app.router.add_post("/api/v1/namespaces/{ns}/pods/{name}/eviction", self._evict)
        async with TestServer(app) as server:
            self.url = str(server.make_url("/"))
            yield self

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _status(401, "Unauthorized")
        if self.broken:
            return _status(500, "etcdserver: request timed out")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _get(self, request: web.Request) -> web.Response:
        node = self.nodes.get(request.match_info["name"])
        return web.json_response(node) if node is not None else _status(404, "nodes not found")

    async def _patch(self, request: web.Request) -> web.Response:
        node = self.nodes[request.match_info["name"]]
        assert request.content_type == "application/merge-patch+json"
        change = await request.json()
        meta = node["metadata"]
        if self.raced:
            self.raced = False
            meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
        if change["metadata"].pop("resourceVersion") != meta["resourceVersion"]:
            return _status(409, "the object has been modified")
        _merge(node, change)
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
        return web.json_response(node)

    async def _list(self, request: web.Request) -> web.Response:
        node = request.query["fieldSelector"].removeprefix("spec.nodeName=")
        return web.json_response({"items": [p for p in self.pods.values() if p["spec"]["nodeName"] == node]})

    async def _evict(self, request: web.Request) -> web.Response:
        body, name = await request.json(), request.match_info["name"]
        assert (body["apiVersion"], body["kind"]) == ("policy/v1", "Eviction")
        if name not in self.pods:
            return _status(404, "pods not found")
        if body["deleteOptions"]["preconditions"]["uid"] != self.pods[name]["metadata"]["uid"]:
            return _status(409, "uid differs")
        if name in self.budget:
            return _status(429, "Cannot evict pod as it would violate the pod's disruption budget.")
        del self.pods[name]
        self.evicted.append(name)
        return web.json_response({"kind": "Status", "status": "Success"}, status=201)


def _merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    """JSON merge patch, RFC 7396."""
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)
