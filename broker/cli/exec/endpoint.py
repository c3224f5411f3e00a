"""The container-credentials protocol on a loopback port, for COMMAND and what it starts.

Source: "Container credential provider" in AWS's SDKs and Tools Reference Guide. Everybody on the
machine can reach the port, so a request needs the authorization that only COMMAND's environment
holds; a page in a browser cannot send it, nor be taken for us by a name that it resolves to
127.0.0.1, for the Host header has to be ours.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from broker.cli.exec.ending import AccessEnded
from broker.cli.exec.supply import NotNow, Supply
from broker.cli.exec.surroundings import Way
from broker.cli.loopback.server import LoopbackHandler, LoopbackServer, same
from broker.contract.sessions import CredentialsAnswer
from broker.domain.times import rfc3339


@contextmanager
def serving(supply: Supply) -> Iterator[Way]:
    """Serve what `supply` has, as long as the block lasts; gives the way there."""
    server = _Server(supply)
    with server.listening():
        yield server.way


class _Server(LoopbackServer):
    def __init__(self, supply: Supply) -> None:
        super().__init__(_Handler)
        self.supply = supply
        self.path = f"/{secrets.token_urlsafe(24)}"
        self.way = Way(f"http://{self.name}{self.path}", secrets.token_urlsafe(32))


class _Handler(LoopbackHandler):
    server: _Server

    def get(self) -> None:
        """Credentials, or in the words that SDKs show why there are none."""
        refused = self._refused()
        if refused is not None:
            self._answer(refused, _problem(refused.name, refused.description or refused.phrase))
            return
        try:
            credentials = self.server.supply.credentials()
        except AccessEnded as e:
            self._answer(HTTPStatus.FORBIDDEN, _problem(e.code, f"{e.message} [{e.code}]"))
        except NotNow as e:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, _problem(e.code, f"{e.message} [{e.code}]"))
        else:
            self._answer(HTTPStatus.OK, _document(credentials))

    def _refused(self) -> HTTPStatus | None:
        """Why the request is none of COMMAND's; None where it is. Nothing tells them apart."""
        if not self.names_us:
            return HTTPStatus.MISDIRECTED_REQUEST
        if not same(self.path, self.server.path):
            return HTTPStatus.NOT_FOUND
        given = self.headers.get_all("Authorization") or []
        if len(given) != 1 or not same(given[0], self.server.way.authorization):
            return HTTPStatus.FORBIDDEN
        return None

    def _answer(self, status: HTTPStatus, document: Mapping[str, str]) -> None:
        headers = {"Content-Type": "application/json"}
        self.reply(status, headers, json.dumps(document).encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no request that we take, as JSON like everything else."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(status, _problem(status.name, status.phrase))


def _document(credentials: CredentialsAnswer) -> Mapping[str, str]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.session_token,
        "Expiration": rfc3339(credentials.expiration),
    }


def _problem(code: str, message: str) -> Mapping[str, str]:
    """As SDKs show it."""
    return {"Code": code, "Message": message}
