"""Exported ledgers to verify and to spoil, signed with throwaway keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from broker.domain.ledger.checkpoints import TYP, checkpoint_claims
from broker.domain.ledger.entries import Chain, Event, Head, LedgerAction, Outcome, chain_of, seal
from broker.domain.ledger.lines import Anchor, Ending, checkpoint_line, keys_line
from broker.domain.ledger.public_keys import KnownKeys
from broker.domain.ledger.verification import Verification, Verified, checkpointed
from keys.jose import encode_jws, public_jwk, raw_p256_signature
from keys.types import Algorithm, Kid, PublicJwk
from tests.unit.domain.making import NOW, account


class ThrowawayKey:
    """A Signer whose key nobody keeps."""

    def __init__(self, algorithm: Algorithm = Algorithm.ES256) -> None:
        self._private = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm is Algorithm.ES256
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        self.jwk: PublicJwk = public_jwk(self._private.public_key())
        self.algorithm = algorithm

    @property
    def kid(self) -> Kid:
        return self.jwk.kid

    def sign(self, signing_input: bytes) -> bytes:
        if isinstance(self._private, rsa.RSAPrivateKey):
            return self._private.sign(signing_input, padding.PKCS1v15(), SHA256())
        return raw_p256_signature(self._private.sign(signing_input, ec.ECDSA(SHA256())))


KEY, NEXT_KEY, STRANGERS_KEY = ThrowawayKey(), ThrowawayKey(), ThrowawayKey()
GIVEN: KnownKeys = {KEY.kid: KEY.jwk, NEXT_KEY.kid: NEXT_KEY.jwk}


def an_event(action: LedgerAction, **more: Mapping[str, object]) -> Event:
    return Event(actor="jane@vendor.example", action=action, outcome=Outcome.DONE, **more)


def signed(
    head: Head,
    key: ThrowawayKey,
    *,
    typ: str = TYP,
    now: datetime = NOW,
    **claims: object,
) -> str:
    """A checkpoint of `head`, with these claims in place of the good ones."""
    good = checkpoint_claims(account(), head, now=now)
    return encode_jws(dict(sorted({**good, **claims}.items())), signer=key, typ=typ)


@dataclass
class Ledger:
    """A chain that grows, and its checkpoints."""

    chain: Chain = field(default_factory=lambda: chain_of(account().account_id))
    head: Head = field(default_factory=Head)
    entries: list[bytes] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)
    keys: list[PublicJwk] = field(default_factory=list)

    def write(self, *events: Event) -> None:
        for event in events:
            at = NOW + timedelta(seconds=self.head.seq)
            entry = seal(event, chain=self.chain, head=self.head, at=at)
            self.head = Head(entry.seq, entry.hash)
            self.entries.append(entry.line() + b"\n")
            self.heads.append(self.head)

    def work(self, times: int) -> None:
        for number in range(times):
            ids = {"ticket": f"T-{number}", "session": "s-1"}
            details = {
                "seconds": 900,
                "services": ["ec2", "s3"],
                "good": True,
                "note": 'ü"\u2028\n',
            }
            self.write(an_event(LedgerAction.SESSION_OPENED, ids=ids, details=details))

    def sign(self, key: ThrowawayKey) -> str:
        jws = signed(self.head, key)
        self.checkpoints.append((self.head.seq, jws))
        if key.jwk not in self.keys:
            self.keys.append(key.jwk)
        self.write(an_event(LedgerAction.LEDGER_SIGNED, ids={"kid": key.kid}))
        return jws

    def lines(self, *, after: int = 0, through: int | None = None) -> list[bytes]:
        """The export of a part."""
        through = self.head.seq if through is None else through
        kept = [jws for seq, jws in self.checkpoints if after <= seq <= through and seq]
        used = [key for key in self.keys if any(_kid_in(jws) == key.kid for jws in kept)]
        last = self.heads[through - 1] if through else Head()
        anchor = Anchor(chain=self.chain, seq=after, hash=self.heads[after - 1].hash)
        ending = Ending(
            chain=self.chain,
            seq=last.seq,
            hash=last.hash,
            entries=through - after,
            checkpoints=len(kept),
        )
        return [
            *([anchor.line()] if after else []),
            *self.entries[after:through],
            *([keys_line(used)] if used else []),
            *map(checkpoint_line, kept),
            ending.line(),
        ]


def _kid_in(jws: str) -> str:
    return str(jwt.get_unverified_header(jws)["kid"])


def a_ledger() -> Ledger:
    """Twelve entries or so; both keys have signed."""
    ledger = Ledger()
    ledger.write(an_event(LedgerAction.ACCOUNT_REGISTERED, details={"issuer": account().issuer}))
    ledger.write(*(an_event(LedgerAction.KEY_STAGED, ids={"kid": k.kid}) for k in (KEY, NEXT_KEY)))
    ledger.work(2)
    ledger.sign(KEY)
    ledger.work(2)
    ledger.sign(NEXT_KEY)
    ledger.work(1)
    return ledger


def verify(
    *files: Sequence[bytes], given: KnownKeys | None = None, elsewhere: Sequence[str] = ()
) -> Verified:
    """What `broker ledger verify` does with these files."""
    seen = frozenset().union(
        *map(checkpointed, files), checkpointed(map(checkpoint_line, elsewhere))
    )
    verification = Verification(given=GIVEN if given is None else given, remember=seen)
    for lines in files:
        verification.read(lines)
    for jws in elsewhere:
        verification.check(jws)
    return verification.result()
