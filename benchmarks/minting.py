"""Identity tokens a second against bare signatures, with keys in memory and one thread.

Ours builds the claims of a session and makes a JWS of them with the local key provider, which
also asks the file system at each signature whether the key may still sign. Theirs is one call of
`cryptography` over as many bytes, with a key of the same kind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from benchmarks.comparison import Bound, Comparison, Goal, in_turns
from benchmarks.samples import ACCOUNT_ID, SUBJECT, account_with
from broker.domain.claims import identity_claims
from broker.services.ambient import utc_now
from broker.services.issuer.minting import Minter
from keys.local import LocalKeyProvider
from keys.types import Algorithm, KeyOwner

_GOALS = {
    Algorithm.ES256: Goal(Bound.AT_LEAST, 0.6),
    Algorithm.RS256: Goal(Bound.AT_LEAST, 0.9),
}
_SECONDS = 0.3
"""How long each side works in one round."""


def run(rounds: int) -> Iterator[Comparison]:
    """Both algorithms."""
    for algorithm, goal in _GOALS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield _compared(algorithm, Path(folder), goal=goal, rounds=rounds)


def _compared(algorithm: Algorithm, folder: Path, *, goal: Goal, rounds: int) -> Comparison:
    mint = _minting(algorithm, folder)
    sign = _signing(algorithm, length=len(mint().rpartition(".")[0]))
    return Comparison(
        what=f"identity tokens, {algorithm}",
        against="bare signatures",
        unit="1/s",
        rounds=in_turns(lambda: _rate(mint), lambda: _rate(sign), rounds=rounds),
        goal=goal,
    )


def _rate(operation: Callable[[], object]) -> float:
    """How often a second `operation` can be done."""
    done = 0
    begun = perf_counter()
    while perf_counter() - begun < _SECONDS:
        for _ in range(50):
            operation()
        done += 50
    return done / (perf_counter() - begun)


def _minting(algorithm: Algorithm, folder: Path) -> Callable[[], str]:
    provider = LocalKeyProvider(folder, passphrase=b"for the benchmark only", clock=utc_now)
    owner = KeyOwner(account_id=ACCOUNT_ID, issuer_id="benchmark")
    account = account_with(provider.create(owner=owner, algorithm=algorithm))
    minter = Minter(key_providers={"local": provider})
    return lambda: minter.mint(account, identity_claims(SUBJECT, now=utc_now())).compact


def _signing(algorithm: Algorithm, *, length: int) -> Callable[[], bytes]:
    octets = bytes(length)
    match algorithm:
        case Algorithm.ES256:
            ec_key, ecdsa = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
            return lambda: ec_key.sign(octets, ecdsa)
        case Algorithm.RS256:
            rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
            return lambda: rsa_key.sign(octets, pkcs1, sha256)
