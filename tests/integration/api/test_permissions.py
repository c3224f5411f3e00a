"""Who may do what: every route, every role, bound to accounts or not, and everybody else."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from typing import Any

import httpx
import pytest

from broker.domain.identity.permission_table import grid
from broker.domain.identity.permissions import PERMITTED, Action, Condition, Role
from tests.integration.api.samples import ENDPOINTS, SAMPLES, address
from tests.integration.api.test_broken_http import exchange, parsed
from tests.integration.api.world import (
    ACCOUNT,
    ENGINEER,
    NOWHERE,
    OTHER,
    TICKET,
    World,
    assert_problem,
)


class Scope(Enum):
    """What a request is about."""

    ACCOUNT = "an account"
    TICKET = "a ticket that concerns the account"
    SESSION = "the engineer's session in the account"
    GRANT = "the engineer's grant in the account"
    SESSIONS = "all sessions"
    LIST = "all of something"
    NOTHING = "no account at all"


@dataclass(frozen=True)
class Rule:
    """What an operation asks of its caller: an action, on something."""

    action: Action
    scope: Scope


RULES: Mapping[str, Rule] = {
    "register_account": Rule(Action.REGISTER_ACCOUNT, Scope.ACCOUNT),
    "list_accounts": Rule(Action.READ_ACCOUNT, Scope.LIST),
    "show_account": Rule(Action.READ_ACCOUNT, Scope.ACCOUNT),
    "change_account": Rule(Action.CHANGE_ACCOUNT, Scope.ACCOUNT),
    "reconcile_account": Rule(Action.RECONCILE_ACCOUNT, Scope.ACCOUNT),
    "diagnose_account": Rule(Action.DIAGNOSE_ACCOUNT, Scope.ACCOUNT),
    "revoke_account": Rule(Action.REVOKE_ACCOUNT, Scope.ACCOUNT),
    "rotate_keys": Rule(Action.ROTATE_KEYS, Scope.ACCOUNT),
    "remove_account": Rule(Action.REMOVE_ACCOUNT, Scope.ACCOUNT),
    "plan_account": Rule(Action.RECONCILE_ACCOUNT, Scope.ACCOUNT),
    "prove_account": Rule(Action.PROVE_ACCOUNT, Scope.ACCOUNT),
    "write_ticket": Rule(Action.WRITE_TICKET, Scope.ACCOUNT),
    "show_ticket": Rule(Action.READ_TICKET, Scope.TICKET),
    "list_tickets": Rule(Action.READ_TICKET, Scope.LIST),
    "request_grant": Rule(Action.REQUEST_GRANT, Scope.ACCOUNT),
    "list_grants": Rule(Action.READ_GRANT, Scope.LIST),
    "show_grant": Rule(Action.READ_GRANT, Scope.GRANT),
    "approve_grant": Rule(Action.DECIDE_GRANT, Scope.GRANT),
    "deny_grant": Rule(Action.DECIDE_GRANT, Scope.GRANT),
    "revoke_grant": Rule(Action.REVOKE_GRANT, Scope.GRANT),
    "make_approval_link": Rule(Action.OFFER_APPROVAL, Scope.GRANT),
    "open_session": Rule(Action.OPEN_SESSION, Scope.ACCOUNT),
    "make_console_url": Rule(Action.OPEN_CONSOLE, Scope.SESSION),
    "open_console": Rule(Action.OPEN_CONSOLE, Scope.ACCOUNT),
    "list_sessions": Rule(Action.READ_SESSION, Scope.SESSIONS),
    "show_session": Rule(Action.READ_SESSION, Scope.SESSION),
    "revoke_session": Rule(Action.REVOKE_SESSION, Scope.SESSION),
    "revoke_many": Rule(Action.REVOKE_MANY, Scope.NOTHING),
    "list_entries": Rule(Action.READ_LEDGER, Scope.ACCOUNT),
    "show_activity": Rule(Action.READ_ACTIVITY, Scope.SESSION),
    "reconcile_ledger": Rule(Action.RECONCILE_LEDGER, Scope.ACCOUNT),
    "export_ledger": Rule(Action.READ_LEDGER, Scope.ACCOUNT),
    "sign_ledger": Rule(Action.SIGN_LEDGER, Scope.ACCOUNT),
    "create_api_token": Rule(Action.MANAGE_API_TOKENS, Scope.NOTHING),
    "list_api_tokens": Rule(Action.MANAGE_API_TOKENS, Scope.NOTHING),
    "revoke_api_token": Rule(Action.MANAGE_API_TOKENS, Scope.NOTHING),
    "show_self": Rule(Action.READ_SELF, Scope.LIST),
}
BINDINGS: Mapping[str, tuple[str, ...]] = {
    "unbound": (),
    "bound to the account": (ACCOUNT, NOWHERE),
    "bound to another": (OTHER,),
}
REFUSED_OTHERWISE = (
    "register_account",
    "revoke_account",
    "rotate_keys",
    "remove_account",
    "revoke_api_token",
    "approve_grant",
    "deny_grant",
    "make_approval_link",
)
"""What these samples ask for cannot be done, so that asking changes nothing."""

ATTEMPTS_RECORDED = (
    "approve_grant",
    "deny_grant",
    "revoke_grant",
    "make_approval_link",
    "make_console_url",
)
"""Whoever may not know of a grant or a session leaves an entry by trying to do something to it."""

MATRIX = list(itertools.product(RULES, Role, BINDINGS))


def permitted(rule: Rule, role: Role, bound: tuple[str, ...]) -> bool:
    """What the table says, read once more and in other words than the broker's."""
    condition = PERMITTED[rule.action].get(role)
    if condition is None:
        return False
    if rule.scope in (Scope.LIST, Scope.SESSIONS):
        return True
    if rule.scope is Scope.NOTHING:
        return not bound and condition is not Condition.BOUND_ACCOUNT
    return ACCOUNT in bound or (not bound and condition is not Condition.BOUND_ACCOUNT)


def hidden(rule: Rule) -> bool:
    """Whether what a caller may not see looks as if it did not exist."""
    return rule.scope in (Scope.TICKET, Scope.SESSION, Scope.GRANT)


@pytest.fixture(scope="module")
def callers(world: World) -> Mapping[tuple[Role, str], str]:
    """An API token for each role and binding; those who act for themselves share one subject."""
    made = {}
    for role, binding in itertools.product(Role, BINDINGS):
        name = f"{role.value} {binding}"
        subject = ENGINEER if role in (Role.ENGINEER, Role.BREAK_GLASS) else role.value
        kept = world.secrets.get(subject)
        token_id = world.add_caller(subject, role, accounts=BINDINGS[binding] or (NOWHERE,))
        if not BINDINGS[binding]:
            world.unbind(token_id)
        world.secrets[name] = world.secrets.pop(subject)
        if kept is not None:
            world.secrets[subject] = kept
        made[role, binding] = name
    return made


@pytest.fixture(scope="module")
def session_id(world: World) -> str:
    """A session of the engineer in the account."""
    answer = world.session(world.inside(ENGINEER)).raise_for_status()
    return str(answer.json()["session"]["id"])


@pytest.fixture(scope="module")
def console_session(world: World) -> dict[str, Any]:
    """Another one that nobody ends, with its credentials."""
    world.write_ticket("FOR-THE-CONSOLE", ACCOUNT)
    answer = world.session(world.inside(ENGINEER), ticket="FOR-THE-CONSOLE").raise_for_status()
    return dict(answer.json())


@pytest.fixture(scope="module")
def grant_id(world: World) -> str:
    """A grant of the engineer in the account, approved by standing consent."""
    body = {"account_id": ACCOUNT, "ticket": TICKET}
    answer = world.inside(ENGINEER).post("/v1/grants", json=body).raise_for_status()
    return str(answer.json()["id"])


Ask = Callable[[str, httpx.Client], httpx.Response]


@pytest.fixture(scope="module")
def ask(world: World, session_id: str, console_session: dict[str, Any], grant_id: str) -> Ask:
    """Send the sample of an operation, made about the account and good for repeating."""

    world.write_ticket("ONLY-THIS", ACCOUNT)
    in_full = {
        "show_ticket": (address("show_ticket", ticket_id="ONLY-THIS"), None),
        "make_console_url": (
            address("make_console_url", session_id=console_session["session"]["id"]),
            {"credentials": console_session["credentials"]},
        ),
    }

    def asked(name: str, client: httpx.Client) -> httpx.Response:
        sample = (address(name), dict(SAMPLES[name].body or {}) or None)
        path, body = in_full.get(name, sample)
        query: dict[str, str] = {}
        match name:
            case "register_account":
                body = {"account_id": ACCOUNT, "customer": "Again"}
            case "change_account":
                body = {"payer": False}
            case "open_session" | "request_grant" | "open_console":
                body = {"account_id": ACCOUNT, "ticket": TICKET, "on_behalf_of": ENGINEER}
            case "show_session" | "revoke_session" | "show_activity":
                path = address(name, session_id=session_id)
            case _ if "grant_id" in SAMPLES[name].path:
                path = address(name, grant_id=grant_id)
            case "list_entries" | "export_ledger":
                query = {"account_id": ACCOUNT}
            case "create_api_token":
                body = {**(body or {}), "subject": f"made-{secrets.token_hex(4)}"}
        return client.request(ENDPOINTS[name].method, path, params=query, json=body)

    return asked


def test_every_action_is_asked_for_by_a_route() -> None:
    """The table of permissions speaks of nothing that does not exist."""
    of_parts = {Action.CHANGE_CONSENT, Action.ONBOARD_ACCOUNT, Action.BREAK_GLASS}
    of_parts |= {Action.CHANGE_CHECKPOINT_BUCKET}
    at_the_machine = {Action.ARCHIVE_LEDGER}
    asked = {rule.action for rule in RULES.values()}
    assert asked | of_parts | at_the_machine == set(Action) == PERMITTED.keys()


class Answered(StrEnum):
    """How a cell of the matrix was answered."""

    YES = "yes"
    NO = "-"
    HIDDEN = "hidden"


Seen = dict[tuple[str, Role | None, str], Answered]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """How everybody was answered; printed as tables in the end, and kept among pytest's files."""
    answers: Seen = {}
    yield answers
    shown = "\n".join(f"Callers {binding}:\n\n{drawn(answers, binding)}" for binding in BINDINGS)
    (tmp_path_factory.getbasetemp() / "permission-matrix.md").write_text(shown)
    print(f"\n{shown}")


def drawn(answers: Seen, binding: str) -> str:
    """One table of the matrix; empty cells were not asked for in this run."""
    rows = {
        f"{ENDPOINTS[name].method} {ENDPOINTS[name].path}": [
            answers.get((name, role, binding), "") for role in Role
        ]
        for name in RULES
    }
    return grid("", list(Role), rows)


@pytest.mark.parametrize(("name", "role", "binding"), MATRIX)
def test_the_matrix(
    world: World,
    callers: Mapping[tuple[Role, str], str],
    ask: Ask,
    seen: Seen,
    name: str,
    role: Role,
    binding: str,
) -> None:
    """Permitted, or 403 and in the ledger, or 404 where it may not even be known."""
    rule, caller = RULES[name], callers[role, binding]
    before = world.ledger()
    answer = ask(name, world.inside(caller))
    if permitted(rule, role, BINDINGS[binding]):
        assert answer.status_code not in (401, 403), answer.text
        assert answer.is_success or name in REFUSED_OTHERWISE, answer.text
        seen[name, role, binding] = Answered.YES
        return
    if hidden(rule) and role in PERMITTED[rule.action]:
        assert_problem(answer, 404, "not_found")
        attempts = [entry.reason for entry in world.ledger()[len(before) :]]
        assert attempts == (["not_found"] if name in ATTEMPTS_RECORDED else [])
        seen[name, role, binding] = Answered.HIDDEN
        return
    problem = assert_problem(answer, 403, "forbidden")
    entry = world.ledger()[-1]
    assert entry.seq == before[-1].seq + 1
    assert (entry.outcome, entry.reason) == ("refused", "forbidden")
    assert entry.ids["request"] == problem["request_id"]
    if name not in ("open_session", "request_grant"):
        assert (entry.action, entry.details["asked_for"]) == ("access.refused", rule.action.value)
    seen[name, role, binding] = Answered.NO


NO_CREDENTIAL = {
    "none": None,
    "empty": "",
    "no scheme": "{admin}",
    "another scheme": "Basic {admin}",
    "no token": "Bearer ",
}
REFUSED_CREDENTIALS = {
    "Bearer eyJhbGciOiJub25lIn0.e30.": "identity_token_not_taken",
    "Bearer {cut}": "api_token_malformed",
    "Bearer {admin}0": "api_token_malformed",
    "Bearer {upper}": "identity_token_not_taken",
    "Bearer brk_{zero_id}_{secret}": "api_token_unknown",
    "Bearer {front}{zeros}": "api_token_wrong_secret",
    "Bearer {expired}": "api_token_expired",
    "Bearer {revoked}": "api_token_revoked",
}
"""Each with the reason that the ledger gives."""


@pytest.fixture(scope="module")
def fillings(world: World) -> Mapping[str, str]:
    """What the credentials above are made of."""
    world.add_caller("expired", Role.ADMIN, valid=timedelta(seconds=-1))
    revoked = world.add_caller("revoked", Role.ADMIN)
    world.inside("admin").delete(f"/v1/tokens/{revoked}").raise_for_status()
    admin = world.secrets["admin"]
    return {
        "admin": admin,
        "cut": admin[:-1],
        "upper": admin.upper(),
        "front": admin[:-64],
        "secret": admin[-64:],
        "zeros": "0" * 64,
        "zero_id": "0" * 12,
        "expired": world.secrets["expired"],
        "revoked": world.secrets["revoked"],
    }


@pytest.fixture
def anybody(world: World) -> Iterator[httpx.Client]:
    """A client that says only what a test lets it say."""
    with world.inside_of(world.services, "admin") as client:
        del client.headers["Authorization"]
        yield client


@pytest.mark.parametrize("name", RULES)
def test_nobody_gets_anything(
    world: World, ask: Ask, anybody: httpx.Client, fillings: Mapping[str, str], name: str
) -> None:
    """Without a credential: 401, and not a trace of it, or anybody could fill the ledger."""
    before = world.state()
    for credential in NO_CREDENTIAL.values():
        if credential is not None:
            anybody.headers["Authorization"] = credential.format(**fillings)
        answer = ask(name, anybody)
        problem = assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="broker"'
        assert "reason" not in problem
    assert world.state() == before


@pytest.mark.parametrize("name", RULES)
def test_a_bad_credential_gets_nothing(
    world: World, ask: Ask, anybody: httpx.Client, fillings: Mapping[str, str], name: str
) -> None:
    """401 at every route; the ledger knows why, and only the owner of a good secret is told."""
    for credential, reason in REFUSED_CREDENTIALS.items():
        before = len(world.ledger())
        anybody.headers["Authorization"] = credential.format(**fillings)
        problem = assert_problem(ask(name, anybody), 401, "unauthenticated")
        (entry,) = world.ledger()[before:]
        assert (entry.action, entry.reason) == ("authentication.refused", reason)
        assert (entry.actor, entry.ids["request"]) == ("unauthenticated", problem["request_id"])
        told = {"api_token_expired": "expired", "api_token_revoked": "revoked"}.get(reason)
        assert problem.get("reason") == told


def test_the_scheme_is_read_in_any_case(world: World) -> None:
    """RFC 9110, section 11.1: the scheme's name has no case."""
    headers = {"Authorization": f"bearer {world.secrets['auditor']}"}
    assert world.inside("admin").get("/v1/me", headers=headers).json()["subject"] == "auditor"


def test_two_callers_in_one_request_are_nobody(world: World) -> None:
    """A second Authorization header does not let anybody in."""
    good = world.over_http("admin").headers["Authorization"]
    for pair in ((good, "Bearer x"), ("Bearer x", good), (good, good)):
        lines = [f"Authorization: {each}".encode() for each in pair]
        assert_problem(
            parsed(exchange(world, b"GET /v1/me HTTP/1.1", *lines)), 401, "unauthenticated"
        )
