"""Events of a lab BMC: server-sent to whoever listens, and posted to whoever subscribed (EventService, DSP0266 12.6)."""

import asyncio
import contextlib
import json

import aiohttp
from aiohttp import web

from lab.bmc.bodies import ROOT, Body, link, listed, resource
from lab.bmc.replies import Call, done, not_found, refused, resource_reply

EVENT_SERVICE = f"{ROOT}/EventService"
SUBSCRIPTIONS = f"{EVENT_SERVICE}/Subscriptions"
STREAM = f"{EVENT_SERVICE}/SSE"
_PATIENCE = aiohttp.ClientTimeout(total=5)


class Events:
    """Implements ``Service``. What was published is kept for nobody: a listener gets what happens while it listens."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Body]] = set()
        self._subscriptions: dict[str, Body] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._count = 0

    def publish(self, message: str, text: str, origin: str) -> None:
        """Tell everybody."""
        self._count += 1
        entry: Body = {
            "EventId": str(self._count),
            "MessageId": message,
            "Message": text,
            "OriginOfCondition": link(origin),
        }
        event: Body = {"@odata.type": "#Event.v1_9_0.Event", "Id": str(self._count), "Name": "Event", "Events": [entry]}
        for queue in self._listeners:
            queue.put_nowait(event)
        for subscription in self._subscriptions.values():
            delivery = asyncio.get_running_loop().create_task(_deliver(str(subscription["Destination"]), event))
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)

    def bodies(self) -> dict[str, Body]:
        """The service and its subscriptions."""
        service = resource(
            EVENT_SERVICE, "EventService.v1_7_2", "Event Service",
            ServiceEnabled=True, ServerSentEventUri=STREAM, Subscriptions=link(SUBSCRIPTIONS),
        )  # fmt: skip
        return {EVENT_SERVICE: service} | listed(SUBSCRIPTIONS, "EventDestination", self._subscriptions.values())

    async def write(self, call: Call) -> web.StreamResponse | None:
        """Subscribe, or end a subscription."""
        if call.verb == "POST" and call.path == SUBSCRIPTIONS:
            wanted = (await call.body()).get("Destination")
            if not isinstance(wanted, str) or "://" not in wanted:
                return refused(400, "PropertyMissing", "Destination is missing, or no URL.")
            path = f"{SUBSCRIPTIONS}/{len(self._subscriptions) + 1}"
            body = resource(path, "EventDestination.v1_13_0", "Subscription", Destination=wanted, Protocol="Redfish")
            self._subscriptions[path] = body
            return resource_reply(201, body, {"Location": path})
        if call.verb == "DELETE" and call.path.startswith(f"{SUBSCRIPTIONS}/"):
            return done() if self._subscriptions.pop(call.path, None) is not None else not_found(call.path)
        return None

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events until the listener goes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        queue: asyncio.Queue[Body] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            await response.prepare(request)
            await response.write(b": listening\n\n")
            while True:
                event = await queue.get()
                await response.write(f"id: {event['Id']}\ndata: {json.dumps(event)}\n\n".encode())
        except ConnectionError:
            return response
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        """Give deliveries up."""
        for delivery in list(self._deliveries):
            delivery.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)


async def _deliver(destination: str, event: Body) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with aiohttp.ClientSession(timeout=_PATIENCE) as http, http.post(destination, json=event):
            pass
