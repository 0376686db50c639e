"""What stands before every request of the page: who is it, is it his own page that sends it, and the headers of each answer.

Nothing but the sign-in and the page's own static files is answered without a person. All that comes back is one JSON object
with a sentence, also where bringup has a defect; no answer may be framed, sniffed, cached or run script from elsewhere.
"""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from frontends.web.session import Sessions, Signed
from workflows.model.errors import BadInput, BringupError, Refused, Transient

#: Who sent the request, for its handler.
PERSON = web.RequestKey("person", Signed)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_OPEN = ("/api/login", "/api/openapi.json")
_log = logging.getLogger("bringup.web")


def refuse(status: int, sentence: str) -> web.Response:
    """An answer that says no."""
    return web.json_response({"error": sentence}, status=status)


def guard(sessions: Sessions) -> Middleware:
    """The middleware."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await _answer(sessions, request, handler)
        except web.HTTPException as error:
            return refuse(error.status, error.reason)
        except BringupError as error:
            return refuse(_status(error), str(error))
        except (ConnectionResetError, TimeoutError):
            raise
        except Exception:  # noqa: BLE001 - a defect of one page must not show its insides
            _log.exception("%s %s: a defect of bringup", request.method, request.path)
            return refuse(500, "bringup met a defect; its log has the trace")

    return guarded


async def _answer(sessions: Sessions, request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/api/") and request.path not in _OPEN:
        signed = sessions.who(request)
        if signed is None:
            return refuse(401, "sign in first")
        if request.method not in ("GET", "HEAD") and sessions.forged(request, signed):
            return refuse(403, "this request did not come from the page: load it again")
        request[PERSON] = signed
    return await handler(request)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal: every answer carries them, also a stream's."""
    response.headers.update(_HEADERS)


def _status(error: BringupError) -> int:
    match error:
        case BadInput():
            return 400
        case Refused():
            return 403
        case Transient():
            return 503
    return 409
