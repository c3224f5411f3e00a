"""An HTTP request as it arrived, read once, so that it can be checked and then passed on."""

from __future__ import annotations

import io
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from broker.sandbox.calls.answers import Failure, Refusal

Environ = MutableMapping[str, Any]
"""PEP 3333's dictionary of a request."""

MAX_BODY_BYTES = 64 * 1024 * 1024
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class ReceivedRequest:
    """Method, path and query are as they stood on the wire, percent-encoding included.

    headers: lower-case names. body: the whole of it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def read(cls, environ: Environ) -> ReceivedRequest:
        """Reads the body and puts it back, with its true length, for whoever comes next."""
        body = _read_body(environ)
        path, _, query = str(environ["RAW_URI"]).partition("?")
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return cls(environ["REQUEST_METHOD"], path, query, headers, body)

    @property
    def is_form(self) -> bool:
        content_type = self.headers.get("content-type", "")
        return content_type.partition(";")[0].strip() == "application/x-www-form-urlencoded"


def _read_body(environ: Environ) -> bytes:
    """All of it is taken off the connection, even if it is too large to be kept."""
    stream = environ["wsgi.input"]
    endless = environ.get("wsgi.input_terminated")  # chunked: the stream knows its end
    left = float("inf") if endless else int(environ.get("CONTENT_LENGTH") or 0)
    pieces, size = [], 0
    while left and (piece := stream.read(int(min(left, _PIECE)))):
        left -= len(piece)
        size += len(piece)
        if size <= MAX_BODY_BYTES:
            pieces.append(piece)
    if size > MAX_BODY_BYTES:
        raise Refusal(Failure.TOO_LARGE, f"The sandbox takes at most {MAX_BODY_BYTES} bytes")
    return b"".join(pieces)
