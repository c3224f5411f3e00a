"""Somebody whose topic CloudFormation publishes to: confirms, and answers as a test tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

Request = Mapping[str, Any]
Answer = Mapping[str, Any]


def succeed(request: Request) -> Answer:
    """SUCCESS, under the name that the resource has or gets."""
    return {
        "Status": "SUCCESS",
        "PhysicalResourceId": request.get("PhysicalResourceId", "made-by-the-test"),
        "Data": {"Kind": request["RequestType"]},
    }


def fail(request: Request) -> Answer:
    """FAILED, with a reason."""
    return {**succeed(request), "Status": "FAILED", "Reason": "The test says so."}


class Subscriber:
    """An HTTP endpoint on loopback. A context manager.

    `messages` are the bodies as they came, `requests` what CloudFormation asked in them; `answer`
    gives the answer to a request, or None for silence.
    """

    def __init__(self, sandbox_url: str, sns: Any) -> None:
        self.answer: Callable[[Request], Answer | None] = succeed
        self.messages: list[Mapping[str, str]] = []
        self.requests: list[Request] = []
        self.status = 200
        self._sandbox_url = sandbox_url
        self._sns = sns
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where SNS delivers to."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                subscriber.take(json.loads(body))
                self.send_response(subscriber.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: tests read our output."""

        return Handler

    def take(self, message: Mapping[str, str]) -> None:
        """Note a message, and do what it asks for."""
        self.messages.append(message)
        if message["Type"] == "SubscriptionConfirmation":
            self._sns.confirm_subscription(TopicArn=message["TopicArn"], Token=message["Token"])
            return
        request = json.loads(message["Message"])
        self.requests.append(request)
        answer = self.answer(request)
        if answer is not None and self.status == 200:
            self.put(request, answer)

    def put(self, request: Request, answer: Answer) -> int:
        """Answer a request at its ResponseURL; the status that came back."""
        repeated = ("StackId", "RequestId", "LogicalResourceId")
        body = json.dumps({**{name: request[name] for name in repeated}, **answer})
        url = urlsplit(request["ResponseURL"])
        response = httpx.put(
            f"{self._sandbox_url}{url.path}?{url.query}",
            content=body,
            headers={"Host": str(url.hostname), "Content-Type": ""},
            trust_env=False,
        )
        return response.status_code
