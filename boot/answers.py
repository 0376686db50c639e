"""How the boot service says no: a status and one sentence; and how it reads a body, bounded in size and time."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from workflows.model.errors import BadInput, Refused, Transient
from workflows.model.record import Record

MAX_BODY = 65_536
_PATIENCE_S = 10.0

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Denied(Refused):
    """A request that is refused: the HTTP status, the sentence, and the event that tells the run's owner of it."""

    def __init__(self, status: HTTPStatus, event: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.event = event


@web.middleware
async def refuse_plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn our errors into ``{"error": sentence}``. Transient ones are 503: the machine asks again."""
    try:
        return await handler(request)
    except Denied as error:
        return _error(error.status, str(error))
    except BadInput as error:
        return _error(HTTPStatus.BAD_REQUEST, str(error))
    except Refused as error:
        return _error(HTTPStatus.FORBIDDEN, str(error))
    except Transient as error:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}; ask again")


async def read_body[R: Record](request: web.Request, model: type[R]) -> R:
    """The body as a record.

    Raises:
        Denied: larger than ``MAX_BODY``, or slower than 10 s.
        BadInput: not such a record.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Denied(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "", f"the body is larger than {MAX_BODY} bytes; send less"
        ) from None
    except TimeoutError:
        raise Denied(HTTPStatus.REQUEST_TIMEOUT, "", "the body took longer than 10 s; send it again") from None
    return model.decode(data)


def _error(status: HTTPStatus, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
