"""What a page says has just been done, by whoever was led there after doing it.

The address carries a word and never the sentence: nobody can make a page of ours say something by
making up a link.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

NOTICE = "done"
"""The parameter of the query."""


class Notice(StrEnum):
    """Each is a word in an address; its sentence stands below."""

    SIGNED_OUT = "signed-out"
    CONSENT_CHANGED = "consent-changed"
    REQUESTED = "requested"
    APPROVED = "approved"
    DENIED = "denied"
    GRANT_REVOKED = "grant-revoked"
    SESSION_REVOKED = "session-revoked"
    ACCOUNT_REVOKED = "account-revoked"
    RECONCILED = "reconciled"
    ROTATION_ASKED = "rotation-asked"
    KEYS_DROPPED = "keys-dropped"
    BUCKET_CHANGED = "bucket-changed"
    SIGNED = "signed"
    SHOWN_ALREADY = "shown-already"

    @property
    def tone(self) -> str:
        """How it looks: what was done is good, and what could not be done again is to be read."""
        return "waiting" if self is Notice.SHOWN_ALREADY else "good"

    @property
    def sentence(self) -> str:
        """What people read."""
        return _SENTENCES[self]

    @classmethod
    def told_in(cls, word: str | None) -> Self | None:
        """The notice of that word; None for any other."""
        try:
            return None if word is None else cls(word)
        except ValueError:
            return None


_SENTENCES = {
    Notice.SIGNED_OUT: (
        "You are signed out. Your organisation may still know you, and ask nothing when you sign "
        "in again."
    ),
    Notice.CONSENT_CHANGED: "Your consent is changed, and the change is in the ledger.",
    Notice.REQUESTED: "The request is sent. Whoever may decide on it finds it under Requests.",
    Notice.APPROVED: "Approved. You can revoke it at any time.",
    Notice.DENIED: "Denied. The engineer gets no access by this request.",
    Notice.GRANT_REVOKED: "Revoked, with every session under it.",
    Notice.SESSION_REVOKED: "Revoked. AWS refuses the session's credentials within seconds.",
    Notice.ACCOUNT_REVOKED: "Every grant and every session of the account has been ended.",
    Notice.RECONCILED: "The account has been looked at and brought to what is wanted.",
    Notice.ROTATION_ASKED: "Written down: the next key signs once AWS has known it long enough.",
    Notice.KEYS_DROPPED: "Every key that has signed is withdrawn, and every live session ended.",
    Notice.BUCKET_CHANGED: "The bucket is changed, and the change is in the ledger.",
    Notice.SIGNED: "The head of the ledger is signed.",
    Notice.SHOWN_ALREADY: (
        "These credentials were shown already. They are kept nowhere, so nobody can show them "
        "again. If you have not got them, revoke this session and open another one."
    ),
}
