"""Where AWS publishes the certificates that SNS signs with, and those of their issuers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from broker.sandbox.calls.received import Environ, ReceivedRequest
from broker.sandbox.cloudformation.sns_signer import ISSUER_HOST, ISSUER_PATH, SnsSigner

_SNS_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)")


class PublishedCertificates:
    """A WSGI application: two files, each at its own host."""

    def __init__(self, signer: SnsSigner) -> None:
        self._signer = signer

    @staticmethod
    def serves(host: str) -> bool:
        """Whether a host is SNS's, or the repository of its certificates' issuers."""
        return host == ISSUER_HOST or _SNS_HOST.fullmatch(host) is not None

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        request = ReceivedRequest.read(environ)
        files = {
            (True, ISSUER_PATH): self._signer.issuer_der,
            (False, self._signer.path): self._signer.certificate_pem,
        }
        found = files.get((request.headers.get("host") == ISSUER_HOST, request.path))
        if found is None or request.method != "GET":
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        start_response("200 OK", [("Content-Length", str(len(found)))])
        return [found]
