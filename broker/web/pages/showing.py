"""How pages show values: times, durations, and the states of things in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import Flask
from jinja2 import StrictUndefined
from markupsafe import Markup

from broker.domain.access import Reason
from broker.domain.accounts import Account, AccountState, Consent, Profile
from broker.domain.grants import Access
from broker.domain.refusals import SENTENCES
from broker.domain.sessions import Session, is_live
from broker.domain.times import rfc3339
from broker.web.pages import once


class Standing(StrEnum):
    """How a session stands."""

    LIVE = "live"
    ENDED = "ended"
    REVOKED = "revoked"


def standing(session: Session, now: datetime) -> Standing:
    """Whether the session's credentials may still be of use at `now`."""
    if session.revoked_at is not None:
        return Standing.REVOKED
    return Standing.LIVE if is_live(session, now) else Standing.ENDED


@dataclass(frozen=True, slots=True)
class _Shown:
    tone: str
    words: str


_STATES = {
    # accounts
    "registered": _Shown("waiting", "not set up yet"),
    "provisioning": _Shown("waiting", "being set up"),
    "active": _Shown("good", "active"),
    "degraded": _Shown("bad", "degraded"),
    "removing": _Shown("waiting", "being removed"),
    "removed": _Shown("quiet", "removed"),
    # grants
    "requested": _Shown("waiting", "waiting for a decision"),
    "approved": _Shown("good", "approved"),
    "denied": _Shown("bad", "denied"),
    "revoked": _Shown("bad", "revoked"),
    "expired": _Shown("quiet", "expired"),
    # sessions
    "live": _Shown("good", "live"),
    "ended": _Shown("quiet", "ended"),
    # tickets
    "open": _Shown("good", "open"),
    "closed": _Shown("quiet", "closed"),
    # keys
    "pending": _Shown("waiting", "just made"),
    "published": _Shown("waiting", "published, next to sign"),
    "retiring": _Shown("quiet", "published, signs no more"),
    "retired": _Shown("quiet", "deleted"),
    # consent
    "standing": _Shown("good", "standing"),
    "per_grant": _Shown("good", "asked each time"),
    "off": _Shown("bad", "off"),
}

_ACCESS = {Access.READ: "read the account", Access.CASE: "raise AWS support cases"}
_PROFILE = {
    Profile.METADATA: "configuration only: how things are set up, and no data",
    Profile.FULL: "configuration and data, except secrets",
}
_CONSENT = {
    Consent.STANDING: "An open ticket for this account is enough.",
    Consent.PER_GRANT: "Each access waits until the customer approves it.",
    Consent.OFF: "Nobody gets in. Live sessions have been ended.",
}


_REFUSALS = {
    Reason.ACCOUNT_NOT_ACTIVE: "The account is not ready for sessions.",
    Reason.FORBIDDEN: "You may not work in this account.",
}
"""Where the sentence of the API speaks of requests that nobody makes in a browser."""


def badge(state: str) -> Markup:
    """A state as a word with a colour; the word is what counts."""
    shown = _STATES[str(state)]
    return effect_badge(shown.tone, shown.words)


def account_badge(account: Account) -> Markup:
    """How an account stands; where access is switched off, that counts more than a good state."""
    state = badge(account.state.value)
    if not account.is_switched_off:
        return state
    off = effect_badge("bad", "access switched off")
    return off if account.state is AccountState.ACTIVE else Markup(" ").join((state, off))


def effect_badge(tone: str, words: str) -> Markup:
    """A word of its own with a colour."""
    return Markup('<span class="badge {}">{}</span>').format(tone, words)


def moment(value: datetime) -> Markup:
    """A time, to the minute, in UTC; a script adds the reader's own."""
    written = value.strftime("%Y-%m-%d %H:%M UTC")
    exact = rfc3339(value.replace(microsecond=0))
    return Markup('<time datetime="{}">{}</time>').format(exact, written)


def lasting(value: timedelta) -> str:
    """A duration in the two largest units that it has."""
    minutes = int(value.total_seconds()) // 60
    units = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    told = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in units if count]
    return " ".join(told[:2]) or "less than a minute"


def seconds(value: timedelta) -> str:
    """A short time, as exactly as it matters."""
    return f"{value.total_seconds():.1f} seconds"


def refusal_words(reason: Reason) -> str:
    """Why there is nothing to ask for, to somebody who looks at a page."""
    return _REFUSALS.get(reason, SENTENCES[reason])


def countdown(ends: datetime, now: datetime) -> Markup:
    """What is left until `ends`; a script counts it down, without one it is as of the answer."""
    if now >= ends:
        return Markup("<span>ended</span>")
    exact = rfc3339(ends.replace(microsecond=0))
    return Markup('<time datetime="{}" data-countdown>{} left</time>').format(
        exact, lasting(ends - now)
    )


def register(app: Flask) -> None:
    """Let templates use all of it. An undefined name in a template is an error, not a blank."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        account_badge=account_badge,
        badge=badge,
        effect_badge=effect_badge,
        lasting=lasting,
        moment=moment,
        refusal_words=refusal_words,
        seconds=seconds,
    )
    app.jinja_env.globals.update(
        access_words=_ACCESS,
        profile_words=_PROFILE,
        consent_words=_CONSENT,
        countdown=countdown,
        new_once_key=once.new_key,
        standing=standing,
    )
