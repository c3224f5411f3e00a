"""What a terminal makes of the provider's tokens: the same checks as the broker's, before it
keeps them, and a renewal that goes wrong in any way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from broker.cli.failures import CommandFailed, CommandRefused
from broker.cli.identity.kept import KeptSignIn, KeptSignIns
from broker.cli.identity.private_folder import PrivateFolder
from broker.cli.identity.provider import SignInClient, told
from broker.cli.identity.renewing import renewed
from broker.cli.places import KeyringUse
from broker.domain.identity.identity_claims import IdentityFault, IdentityRefused
from broker.domain.identity.openid_provider import TerminalClient
from broker.errors import DependencyUnavailable
from broker.openid.public_client import ProviderRefused
from broker.openid.transport import Tokens
from tests.e2e.organisation import CLI, OTHER, SCOPE, Keys, Provider

URL = "https://broker.example"


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command keeps its log off the terminal; other tests read theirs."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def client(provider: Provider) -> SignInClient:
    """The terminal's, at the real provider."""
    return SignInClient.at(TerminalClient(issuer=provider.issuer, client_id=CLI, scope=SCOPE))


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)


def claims(provider: Provider, **others: Any) -> dict[str, Any]:
    """Those of a good ID token, but for `others`."""
    moment = int(now().timestamp())
    return {
        "iss": provider.issuer,
        "aud": CLI,
        "sub": "jane",
        "iat": moment,
        "exp": moment + 600,
        "nonce": "the-nonce",
        **others,
    }


def tokens(identity_token: str) -> Tokens:
    """As the token endpoint gives them."""
    return Tokens(identity_token=identity_token, refresh_token="the-refresh-token")


def test_a_good_token_is_kept(provider: Provider, client: SignInClient) -> None:
    """With its end, and whom it is about."""
    given = claims(provider)
    found = client.accepted(tokens(provider.forged(given)), now=now(), nonce="the-nonce")
    assert found.provider_subject == "jane"
    assert found.expires_at == datetime.fromtimestamp(given["exp"], UTC)
    assert found.client == client.client


@pytest.mark.parametrize(
    ("others", "fault"),
    [
        ({"aud": OTHER}, IdentityFault.WRONG_AUDIENCE),
        ({"aud": [OTHER, CLI]}, IdentityFault.WRONG_PARTY),
        ({"azp": OTHER}, IdentityFault.WRONG_PARTY),
        ({"iss": "https://evil.example"}, IdentityFault.WRONG_ISSUER),
        ({"nonce": "another"}, IdentityFault.WRONG_NONCE),
        ({"nonce": None}, IdentityFault.WRONG_NONCE),
        ({"exp": 1}, IdentityFault.EXPIRED),
        ({"iat": 4102444800, "exp": 4102444900}, IdentityFault.NOT_YET_VALID),
        ({"sub": ""}, IdentityFault.MISSING_CLAIMS),
    ],
)
def test_a_token_that_is_not_the_answer(
    provider: Provider, client: SignInClient, others: dict[str, Any], fault: IdentityFault
) -> None:
    """One claim is wrong in each, under the provider's own signature."""
    text = provider.forged(claims(provider, **others))
    with pytest.raises(IdentityRefused) as caught:
        client.accepted(tokens(text), now=now(), nonce="the-nonce")
    assert caught.value.fault is fault


def test_a_token_of_another_signer(provider: Provider, client: SignInClient) -> None:
    """Under the id of the provider's key."""
    text = provider.forged(claims(provider), key=Keys.new().ec)
    with pytest.raises(IdentityRefused) as caught:
        client.accepted(tokens(text), now=now(), nonce="the-nonce")
    assert caught.value.fault is IdentityFault.BAD_SIGNATURE


def test_a_provider_that_could_be_overheard() -> None:
    """Whatever a broker says of it."""
    for issuer in ("http://id.example", "file:///etc", "id.example"):
        with pytest.raises(DependencyUnavailable):
            SignInClient.at(TerminalClient(issuer=issuer, client_id=CLI, scope=SCOPE))


def test_failures_are_told_with_their_reason_and_no_terminal_is_steered() -> None:
    """The sentence, the code, the exit code."""
    gone = SignInClient.at(TerminalClient(issuer="http://127.0.0.1:1", client_id=CLI, scope=SCOPE))
    with pytest.raises(CommandFailed, match="ConnectError") as away, told("https://id.example"):
        gone.oauth.refresh("x")
    assert (away.value.exit_code, away.value.code) == (1, "sign_in_unavailable")
    with pytest.raises(CommandRefused, match=r"\(a\?\[2Jb\)") as no, told("https://id.example"):
        raise ProviderRefused("a\x1b[2Jb")
    assert (no.value.exit_code, no.value.code) == (3, "provider_refused")


class Renewing:
    """A kept sign-in whose ID token is ending, and a provider that answers as told."""

    def __init__(self, folder: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept = KeptSignIns(PrivateFolder(folder), KeyringUse.NEVER)
        self.provider = provider
        self.asked: list[str] = []
        self.answer: Tokens | Exception = ProviderRefused("unset")
        monkeypatch.setattr(
            "broker.openid.public_client.PublicClient.refresh", lambda _, text: self._refresh(text)
        )

    def _refresh(self, refresh_token: str) -> Tokens:
        self.asked.append(refresh_token)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def keep(
        self, *, ends_in: float, refresh_token: str | None = "the-refresh-token"
    ) -> KeptSignIn:
        """Keep one that ends so many seconds from now."""
        sign_in = KeptSignIn(
            issuer=self.provider.issuer,
            client_id=CLI,
            scope=SCOPE,
            provider_subject="jane",
            identity_token="eyJ.old",
            expires_at=now() + timedelta(seconds=ends_in),
            refresh_token=refresh_token,
        )
        self.kept.keep(URL, sign_in)
        return sign_in

    def __call__(self) -> KeptSignIn | None:
        return renewed(self.kept, URL, now())


@pytest.fixture
def renewing(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Renewing:
    """See there."""
    return Renewing(tmp_path / "sign-ins", provider, monkeypatch)


def test_one_that_lasts_is_left_alone(renewing: Renewing) -> None:
    """Another process may have renewed it meanwhile."""
    old = renewing.keep(ends_in=3600)
    assert renewing() == old
    assert renewing.asked == []


def test_renewal_without_a_nonce(renewing: Renewing) -> None:
    """A renewed token need not carry one (OpenID Connect Core, section 12.2)."""
    renewing.keep(ends_in=30)
    text = renewing.provider.forged(claims(renewing.provider, nonce=None))
    renewing.answer = Tokens(identity_token=text, refresh_token="another")
    new = renewing()
    assert new is not None
    assert (new.identity_token, new.refresh_token) == (text, "another")
    assert renewing.kept.find(URL) == new


@pytest.mark.parametrize("others", [{"sub": "carl"}, {"aud": OTHER}])
def test_a_renewal_for_somebody_else_ends_it(renewing: Renewing, others: dict[str, Any]) -> None:
    """Nothing of it is used, and nobody asks again."""
    renewing.keep(ends_in=-1)
    renewing.answer = tokens(renewing.provider.forged(claims(renewing.provider, **others)))
    assert renewing() is None
    assert renewing() is None
    assert renewing.asked == ["the-refresh-token"]


def test_the_provider_says_that_it_is_over(renewing: Renewing) -> None:
    """What is left of the ID token may still be used, and no renewal is tried again."""
    old = renewing.keep(ends_in=30)
    renewing.answer = ProviderRefused("invalid_grant")
    for _ in range(2):
        left = renewing()
        assert left is not None
        assert left.identity_token == old.identity_token
    assert renewing.asked == ["the-refresh-token"]


@pytest.mark.parametrize(
    "answer", [DependencyUnavailable("away"), ProviderRefused("temporarily_unavailable")]
)
def test_a_provider_that_cannot_answer_now(renewing: Renewing, answer: Exception) -> None:
    """What is left is used meanwhile; then it is told, and the refresh token stays for later."""
    old = renewing.keep(ends_in=30)
    renewing.answer = answer
    assert renewing() == old
    renewing.keep(ends_in=-1)
    with pytest.raises(type(answer)):
        renewing()
    found = renewing.kept.find(URL)
    assert found is not None
    assert found.refresh_token == "the-refresh-token"


def test_without_a_refresh_token(renewing: Renewing) -> None:
    """Good until its end, and then over."""
    old = renewing.keep(ends_in=30, refresh_token=None)
    assert renewing() == old
    renewing.keep(ends_in=-1, refresh_token=None)
    assert renewing() is None
    assert renewing.asked == []
