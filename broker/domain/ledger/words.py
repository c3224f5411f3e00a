"""The words for each action of the ledger, for every outcome that it is written with.

They name what stands in the entry, so a page, a command or a message shows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from broker.domain.grants import BY_BREAK_GLASS, BY_POLICY
from broker.domain.ledger.entries import LedgerAction, Outcome

Told = str | Callable[[Mapping[str, str]], str]
"""A sentence with the entry's values in braces, or what makes one of them."""

UNKNOWN = "(not told)"
"""What stands for a value that an entry does not have."""

_SETTINGS = ("consent", "profile", "payer", "checkpoint_bucket", "template_version")


def _changed(values: Mapping[str, str]) -> str:
    changes = [
        f"{name.replace('_', ' ')} is now {values[name].replace('_', ' ')}"
        for name in _SETTINGS
        if name in values
    ]
    return f"The account's settings were changed: {', '.join(changes) or UNKNOWN}."


def _decided(values: Mapping[str, str]) -> str:
    asked = f"{values['engineer']}'s request for ticket {values['ticket']}"
    match values["approver"]:
        case by if by == BY_POLICY:
            return f"Standing consent approved {asked}."
        case by if by == BY_BREAK_GLASS:
            return f"{values['engineer']} approved it themselves, for ticket {values['ticket']}."
        case by:
            return f"{by} {values['verdict']} {asked}."


_A, _DONE, _INTENDED = LedgerAction, Outcome.DONE, Outcome.INTENDED
_REFUSED, _FAILED = Outcome.REFUSED, Outcome.FAILED

WORDS: Mapping[str, Mapping[str, Told]] = {
    _A.ACCOUNT_REGISTERED: {_DONE: "The account was registered for {customer}."},
    _A.ACCOUNT_CHANGED: {_DONE: _changed},
    _A.ACCOUNT_STEP: {
        _INTENDED: "About to change in the account: {step}.",
        _DONE: "Changed in the account: {step}.",
        _FAILED: "AWS did not let this be changed in the account: {step}.",
    },
    _A.ACCOUNT_RECONCILED: {
        _INTENDED: "The account is being set up: it is {state}.",
        _DONE: "The account is as it should be: {state}.",
        _FAILED: "The account could not be brought to what it should be: {state}.",
    },
    _A.CANARY: {
        _INTENDED: "The broker begins to test that AWS enforces the rules.",
        _DONE: "AWS enforces the rules: it took the good token and refused every spoilt one.",
        _FAILED: "AWS did not do what it must with the broker's tests.",
        _REFUSED: "The tests of the rules were not begun.",
    },
    _A.ACCOUNT_PROVED: {
        _DONE: "It was proved that support can only read here.",
        _FAILED: "The proof that support can only read did not succeed.",
    },
    _A.ACCOUNT_REVOKED: {
        _INTENDED: "All sessions in the account were ended.",
        _DONE: "AWS denies all sessions that were ended.",
    },
    _A.ACCOUNT_REMOVED: {
        _INTENDED: "The removal goes on: the account is {state}.",
        _DONE: "Support access is removed; nothing of it is left in the account.",
        _FAILED: "The removal could not go on: {problem}.",
    },
    _A.KEY_ROTATION_ASKED: {_INTENDED: "A change of the signing key was asked for: {urgency}."},
    _A.KEY_STAGED: {
        _INTENDED: "A new signing key is being made.",
        _DONE: "A new signing key is published; it signs nothing yet.",
        _FAILED: "A new signing key could not be made.",
    },
    _A.KEY_ACTIVATED: {
        _INTENDED: "The next signing key is being tried.",
        _DONE: "A new key signs from now on.",
        _FAILED: "The next signing key did not pass its test, and does not sign.",
    },
    _A.KEY_WITHDRAWN: {
        _INTENDED: "A signing key is being withdrawn.",
        _DONE: "A signing key was withdrawn.",
        _FAILED: "A signing key could not be withdrawn.",
    },
    _A.SESSION_REVOKED: {
        _INTENDED: "The session of {engineer} for ticket {ticket} was ended.",
        _DONE: "The account denies the ended session of {engineer}, after {took}.",
    },
    _A.REVOCATION_PROBED: {
        _INTENDED: "The broker asks AWS whether it refuses what was ended.",
        _DONE: "The broker asked AWS whether it refuses what was ended.",
        _FAILED: "The broker could not ask AWS whether it refuses what was ended.",
    },
    _A.REVOCATION_EFFECTIVE: {
        _DONE: "AWS was seen to refuse the ended session of {engineer}, after {took}.",
        _FAILED: "The ended session of {engineer} expired before AWS was seen to refuse it.",
    },
    _A.REVOCATION_ASKED: {
        _INTENDED: "{actor} began to end much at once: {scope}.",
        _DONE: "{actor} ended much at once: {scope}.",
        _FAILED: "Not all could be ended at once: {scope}.",
    },
    _A.TICKET_WRITTEN: {
        _DONE: "Ticket {ticket} is {status}.",
        _REFUSED: "Ticket {ticket} was not taken down.",
    },
    _A.TICKET_UNCONFIRMED: {_FAILED: "The ticket system says nothing of ticket {ticket}."},
    _A.TICKET_ENDED: {
        _INTENDED: "What was granted for ticket {ticket} is being ended.",
        _DONE: "What was granted for ticket {ticket} was ended.",
        _FAILED: "Not all that was granted for ticket {ticket} could be ended.",
    },
    _A.GRANT_REQUESTED: {
        _DONE: "{engineer} asked to {access} for ticket {ticket}, for {lasting}.",
        _REFUSED: "{engineer} asked for access for ticket {ticket}, and was refused.",
    },
    _A.GRANT_DECIDED: {
        _DONE: _decided,
        _REFUSED: "{actor} could not decide on grant {grant}.",
    },
    _A.GRANT_REVOKED: {_DONE: "The grant of {engineer} for ticket {ticket} was ended."},
    _A.GLASS_BROKEN: {
        _DONE: "Emergency: {engineer} gave themselves access to {access} for ticket {ticket}, "
        "for {lasting}."
    },
    _A.APPROVAL_LINK_MADE: {
        _DONE: "{approver} got a link to decide on the request of {engineer}.",
        _REFUSED: "No link was made for {approver} to decide on the request of {engineer}.",
    },
    _A.SESSION_OPENED: {
        _INTENDED: "{engineer} is let in to {access} for ticket {ticket}, for {lasting}.",
        _DONE: "{engineer} got credentials for ticket {ticket}, until {expires_at}.",
        _REFUSED: "{engineer} asked for a session for ticket {ticket}, and was refused.",
        _FAILED: "AWS gave {engineer} no credentials for ticket {ticket}.",
    },
    _A.CONSOLE_URL_MADE: {
        _DONE: "{engineer} went into the AWS console for ticket {ticket}.",
        _REFUSED: "{engineer} was not let into the AWS console for ticket {ticket}.",
        _FAILED: "AWS gave {engineer} no way into its console for ticket {ticket}.",
    },
    _A.ACTIVITY_READ: {
        _INTENDED: "{actor} asks CloudTrail what session {session} did.",
        _DONE: "{actor} read in CloudTrail what session {session} did.",
        _REFUSED: "{actor} was not told what session {session} did.",
        _FAILED: "CloudTrail did not say what session {session} did.",
    },
    _A.ACCESS_REFUSED: {_REFUSED: "{actor} asked for something that was refused."},
    _A.AUTHENTICATION_REFUSED: {_REFUSED: "Somebody could not show who they are."},
    _A.SIGNED_IN: {
        _DONE: "{actor} signed in.",
        _REFUSED: "Somebody could not sign in.",
        _FAILED: "The provider could not sign somebody in.",
    },
    _A.SIGNED_OUT: {_DONE: "{actor} signed out."},
    _A.LEDGER_SIGNED: {
        _DONE: "The ledger was signed up to entry {seq}.",
        _FAILED: "The ledger could not be signed.",
    },
    _A.CHECKPOINT_COPIED: {
        _DONE: "The signature of entry {seq} was copied to the bucket {bucket}.",
        _FAILED: "The signature of entry {seq} could not be copied to the bucket {bucket}.",
    },
    _A.LEDGER_EXPORTED: {_DONE: "{actor} took the ledger along, up to entry {through}."},
    _A.LEDGER_ARCHIVED: {_DONE: "The entries up to {through} were moved to an archive."},
    _A.LEDGER_RECONCILED: {
        _INTENDED: "{actor} compares CloudTrail with the ledger, {from} to {to}.",
        _DONE: "{actor} compared CloudTrail with the ledger, {from} to {to}.",
        _REFUSED: "CloudTrail was not compared with the ledger.",
        _FAILED: "CloudTrail could not be compared with the ledger, or knows what it does not.",
    },
    _A.WEBHOOK_GIVEN_UP: {_FAILED: "The endpoint {endpoint} could not be told of an event."},
    _A.HOOK_RECEIVED: {_DONE: "CloudFormation sent a request: {kind}."},
    _A.HOOK_REFUSED: {_REFUSED: "A message that claimed to be CloudFormation's was refused."},
    _A.HOOK_WORKED_ON: {
        _DONE: "CloudFormation's request was worked on: {kind}.",
        _FAILED: "CloudFormation's request has to be tried again: {kind}.",
    },
    _A.HOOK_ANSWERED: {
        _DONE: "CloudFormation got its answer: {answer}.",
        _FAILED: "CloudFormation could not be answered in time.",
    },
    _A.TOPIC_CONFIRMED: {
        _DONE: "A topic for CloudFormation's requests was confirmed.",
        _FAILED: "A topic for CloudFormation's requests could not be confirmed.",
    },
    _A.API_TOKEN_CREATED: {_DONE: "{actor} made an API token."},
    _A.API_TOKEN_REVOKED: {_DONE: "{actor} ended an API token."},
}
