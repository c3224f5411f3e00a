"""An independent client signs people in at the sandbox's OpenID provider: npm's openid-client.

It checks discovery, state, `iss`, nonce, PKCE, signatures and claims by itself; the code is
`relying_party/sign_in.mjs`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.sandbox.process import Sandbox
from tests.e2e.programs import PATIENCE
from tests.integration.sandbox.people_site import (
    CLI,
    CLI_REDIRECT,
    EVERYTHING,
    WEB,
    WEB_REDIRECT,
    WEB_SECRET,
    Site,
)

PROGRAM = Path(__file__).with_name("relying_party") / "sign_in.mjs"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The provider, on a sandbox of its own."""
    with Sandbox.start() as sandbox:
        yield Site.on(sandbox)


def _signed_in(
    asked: Mapping[str, str | None], somebody: Callable[[str], str | None]
) -> dict[str, Any]:
    """What the client is told, after `somebody` followed the address that it printed."""
    with subprocess.Popen(
        ["node", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(json.dumps(asked) + "\n")
        client.stdin.flush()
        back = somebody(json.loads(client.stdout.readline())["url"])
        out, _ = client.communicate(f"{back}\n" if back else None, timeout=PATIENCE)
        assert client.returncode == 0
    told: dict[str, Any] = json.loads(out)
    return told


@pytest.mark.parametrize(
    ("client", "secret", "redirect"),
    [(WEB, WEB_SECRET, WEB_REDIRECT), (CLI, None, CLI_REDIRECT)],
    ids=["confidential", "public"],
)
def test_openid_client_signs_somebody_in_with_a_code(
    site: Site, client: str, secret: str | None, redirect: str
) -> None:
    """And refreshes, and asks userinfo; all of it agrees."""

    def somebody(url: str) -> str:
        return site.choose(url).headers["Location"]

    asked = {
        "issuer": site.issuer,
        "client": client,
        "secret": secret,
        "redirect": redirect,
        "scope": EVERYTHING,
        "flow": "code",
    }
    told = _signed_in(asked, somebody)
    assert (told["claims"]["sub"], told["claims"]["aud"]) == ("jane", client)
    assert told["refreshed"]["auth_time"] == told["claims"]["auth_time"]
    assert told["userinfo"]["groups"] == told["claims"]["groups"] == ["support", "everybody"]


def test_openid_client_signs_somebody_in_on_another_device(site: Site) -> None:
    """It waits as it was told to, until somebody has clicked."""

    def somebody(url: str) -> None:
        answer: httpx.Response = site.choose(url, person="carl")
        assert answer.is_success

    asked = {"issuer": site.issuer, "client": CLI, "scope": EVERYTHING, "flow": "device"}
    told = _signed_in(asked, somebody)
    assert told["claims"]["email"] == told["userinfo"]["email"] == "carl@customer.example"
    assert told["refreshed"]["sub"] == "carl"
