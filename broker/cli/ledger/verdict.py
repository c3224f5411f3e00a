"""What a verification has proved, in words and as JSON: what is vouched for, and by whom."""

from __future__ import annotations

from collections.abc import Iterator

from broker.domain.ledger.verification import Verified, VerifiedCheckpoint, Voucher
from broker.domain.times import rfc3339


def lacks_voucher(verified: Verified) -> str | None:
    """Why the reader's own keys do not vouch for this, None where they do.

    The last checkpoint counts. One that only a key in the file vouches for may have been made by
    whoever made the file, together with every entry since the last that the reader's keys know.
    """
    if not verified.checkpoints:
        return "there is no checkpoint in it."
    last = _last(verified)
    if last.voucher is Voucher.GIVEN:
        return None
    return (
        f"the last checkpoint, of entry {last.head.seq}, was signed with a key that is not in the "
        "JWKS. If the JWKS is older than the checkpoint, fetch it again."
    )


def sentences(verified: Verified) -> Iterator[str]:
    """What was proved, a sentence each."""
    chain = verified.chain
    if not verified.entries:
        yield f"Unbroken: no entries of {chain}."
    else:
        yield (
            f"Unbroken: {_entries(verified.first_seq, verified.last_seq)} of {chain}, written "
            f"{verified.first_at} to {verified.last_at}."
        )
    if verified.anchor is not None:
        yield (
            f"Entry {verified.anchor.seq} and those before it are not here; that they end with "
            f"hash {verified.anchor.hash} is vouched for by the checkpoints."
        )
    yield from _vouched(verified)
    for checkpoint in verified.checkpoints:
        yield _told(checkpoint)


def _vouched(verified: Verified) -> Iterator[str]:
    first = max(verified.first_seq, 1)
    given = verified.vouched_through(Voucher.GIVEN)
    signed = verified.vouched_through(Voucher.GIVEN, Voucher.FILE)
    if given >= first:
        yield f"Vouched for by the JWKS: {_entries(first, given)}."
    if signed > given:
        yield (
            f"Vouched for only by keys in the file: {_entries(max(first, given + 1), signed)}. "
            "Bring the issuer's JWKS with --jwks to know whose keys they are."
        )
    if not verified.checkpoints:
        yield "Vouched for by nobody: there is no checkpoint."
    elif verified.last_seq > signed:
        yield (
            f"Vouched for by nobody yet: {_entries(max(first, signed + 1), verified.last_seq)}, "
            "after the last checkpoint."
        )


def _told(checkpoint: VerifiedCheckpoint) -> str:
    head = checkpoint.head
    of = "the JWKS" if checkpoint.voucher is Voucher.GIVEN else "the file only"
    return f"  Checkpoint of entry {head.seq}, {rfc3339(head.signed_at)}, key {head.kid} of {of}."


def as_json(verified: Verified, refused: str | None) -> dict[str, object]:
    """The same for a program; `refused` is why the reader's keys do not vouch for it."""
    anchor = verified.anchor
    return {
        "verdict": "unbroken" if refused is None else "not_vouched_for",
        "why": refused,
        "chain": verified.chain,
        "entries": verified.entries,
        "first": {"seq": verified.first_seq, "at": verified.first_at},
        "last": {"seq": verified.last_seq, "at": verified.last_at},
        "anchor": None if anchor is None else {"seq": anchor.seq, "hash": anchor.hash},
        "vouched_through": {
            "jwks": verified.vouched_through(Voucher.GIVEN),
            "any": verified.vouched_through(Voucher.GIVEN, Voucher.FILE),
        },
        "checkpoints": [
            {
                "seq": checkpoint.head.seq,
                "signed_at": rfc3339(checkpoint.head.signed_at),
                "kid": checkpoint.head.kid,
                "issuer": checkpoint.head.issuer,
                "key_of": "jwks" if checkpoint.voucher is Voucher.GIVEN else "file",
            }
            for checkpoint in verified.checkpoints
        ],
    }


def _last(verified: Verified) -> VerifiedCheckpoint:
    """The one of the highest entry; of two of the same, the one that the reader's keys know."""
    return max(verified.checkpoints, key=lambda c: (c.head.seq, c.voucher is Voucher.GIVEN))


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"
