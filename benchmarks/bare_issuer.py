"""The least that can serve an issuer's documents: a WSGI callable and a dictionary.

gunicorn makes it: `benchmarks.bare_issuer:serving('<file>')`. The file is a JSON array of
`{"path", "headers", "body"}`, which is answered as it stands, headers included.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def serving(file: str) -> WSGIApplication:
    """A callable that answers what `file` holds."""
    answers = {
        each["path"]: ([tuple(header) for header in each["headers"]], [each["body"].encode()])
        for each in json.loads(Path(file).read_text("utf-8"))
    }

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers, body = answers[environ["PATH_INFO"]]
        start_response("200 OK", headers)
        return body

    return answer
