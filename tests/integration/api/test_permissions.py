"""Who may do what: every route, every role, bound to accounts or not, and everybody else."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import httpx
import pytest
from flask import Flask

from broker.domain.permissions import PERMITTED, Action, Condition, Role
from broker.web.application import create_app
from broker.web.metrics import Metrics
from tests.integration.api.samples import ENDPOINTS, SAMPLES, address
from tests.integration.api.world import (
    ACCOUNT,
    ENGINEER,
    NOWHERE,
    OTHER,
    TICKET,
    World,
    assert_problem,
    pages,
)

PUBLIC = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/onboarding/template.yaml"}
"""What Flask serves without authentication; the issuers' documents do not even reach it."""


class Scope(Enum):
    """What a request is about."""

    ACCOUNT = "an account"
    TICKET = "a ticket that concerns the account"
    SESSION = "the engineer's session in the account"
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
    "open_session": Rule(Action.OPEN_SESSION, Scope.ACCOUNT),
    "list_sessions": Rule(Action.READ_SESSION, Scope.SESSIONS),
    "show_session": Rule(Action.READ_SESSION, Scope.SESSION),
    "revoke_session": Rule(Action.REVOKE_SESSION, Scope.SESSION),
    "list_entries": Rule(Action.READ_LEDGER, Scope.ACCOUNT),
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
)
"""What these samples ask for cannot be done, so that asking changes nothing."""

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
    return rule.scope in (Scope.TICKET, Scope.SESSION)


@pytest.fixture(scope="module")
def callers(world: World) -> Mapping[tuple[Role, str], str]:
    """An API token for each role and binding; the engineers share one subject."""
    made = {}
    for role, binding in itertools.product(Role, BINDINGS):
        name = f"{role.value} {binding}"
        subject = ENGINEER if role is Role.ENGINEER else role.value
        kept = world.secrets.get(subject)
        world.add_caller(subject, role, accounts=BINDINGS[binding])
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


Ask = Callable[[str, httpx.Client], httpx.Response]


@pytest.fixture(scope="module")
def ask(world: World, session_id: str) -> Ask:
    """Send the sample of an operation, made about the account and good for repeating."""

    world.write_ticket("ONLY-THIS", ACCOUNT)

    def asked(name: str, client: httpx.Client) -> httpx.Response:
        body = dict(SAMPLES[name].body or {}) or None
        path, query = address(name), {}
        match name:
            case "register_account":
                body = {"account_id": ACCOUNT, "customer": "Again"}
            case "change_account":
                body = {"payer": False}
            case "open_session":
                body = {"account_id": ACCOUNT, "ticket": TICKET, "on_behalf_of": ENGINEER}
            case "show_ticket":
                path = address(name, ticket_id="ONLY-THIS")
            case "show_session" | "revoke_session":
                path = address(name, session_id=session_id)
            case "list_entries":
                query = {"account_id": ACCOUNT}
            case "create_api_token":
                body = {**(body or {}), "subject": f"made-{secrets.token_hex(4)}"}
        return client.request(ENDPOINTS[name].method, path, params=query, json=body)

    return asked


def routes(world: World) -> dict[str, set[str]]:
    """Every path that Flask serves, with the operations at it."""
    flask = create_app(world.services, Metrics())._behind
    assert isinstance(flask, Flask)
    found: dict[str, set[str]] = {}
    for rule in flask.url_map.iter_rules():
        found.setdefault(rule.rule, set()).add(rule.endpoint)
    return found


def test_every_route_stands_in_the_matrix(world: World) -> None:
    """A new route fails here until somebody says who may use it."""
    served = routes(world)
    assert served.keys() >= PUBLIC
    operations = set().union(*(names for path, names in served.items() if path not in PUBLIC))
    assert operations == RULES.keys() == ENDPOINTS.keys()
    assert all(path.startswith("/v1/") for path in served.keys() - PUBLIC)


def test_every_action_is_asked_for_by_a_route() -> None:
    """The table of permissions speaks of nothing that does not exist."""
    of_parts = {Action.CHANGE_CONSENT, Action.ONBOARD_ACCOUNT}
    assert {rule.action for rule in RULES.values()} | of_parts == set(Action) == PERMITTED.keys()


@pytest.mark.parametrize(("name", "role", "binding"), MATRIX)
def test_the_matrix(
    world: World,
    callers: Mapping[tuple[Role, str], str],
    ask: Ask,
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
        return
    if hidden(rule) and role in PERMITTED[rule.action]:
        assert_problem(answer, 404, "not_found")
        assert world.ledger() == before
        return
    problem = assert_problem(answer, 403, "forbidden")
    entry = world.ledger()[-1]
    assert entry.seq == before[-1].seq + 1
    assert (entry.outcome, entry.reason) == ("refused", "forbidden")
    assert entry.ids["request"] == problem["request_id"]
    if name != "open_session":
        assert (entry.action, entry.details["asked_for"]) == ("access.refused", rule.action.value)


def test_nobody_gets_anything(world: World, ask: Ask, subtests: pytest.Subtests) -> None:
    """Without a token, or with one that is not good any more: 401, and no reason told."""
    world.add_caller("expired", Role.ADMIN, valid=timedelta(seconds=-1))
    revoked = world.add_caller("revoked", Role.ADMIN)
    world.inside("admin").delete(f"/v1/tokens/{revoked}").raise_for_status()
    admin = world.secrets["admin"]
    credentials = {
        "none": None,
        "empty": "",
        "no scheme": admin,
        "another scheme": f"Basic {admin}",
        "no token": "Bearer ",
        "not ours": "Bearer eyJhbGciOiJub25lIn0.e30.",
        "cut": f"Bearer {admin[:-1]}",
        "longer": f"Bearer {admin}0",
        "another secret": f"Bearer {admin[:-64]}{'0' * 64}",
        "another id": f"Bearer brk_{'0' * 12}_{admin[-64:]}",
        "upper case": f"Bearer {admin.upper()}",
        "expired": f"Bearer {world.secrets['expired']}",
        "revoked": f"Bearer {world.secrets['revoked']}",
    }
    client = world.inside("admin")
    before = world.state()
    details = set()
    for name, (kind, credential) in itertools.product(RULES, credentials.items()):
        with subtests.test(operation=name, credential=kind):
            client.headers.pop("Authorization", None)
            if credential is not None:
                client.headers["Authorization"] = credential
            answer = ask(name, client)
            problem = assert_problem(answer, 401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="broker"'
            details.add(problem["detail"])
    client.headers["Authorization"] = f"Bearer {admin}"
    assert len(details) == 2
    assert world.state() == before


def test_the_scheme_is_read_in_any_case(world: World) -> None:
    """RFC 9110, section 11.1: the scheme's name has no case."""
    headers = {"Authorization": f"bearer {world.secrets['auditor']}"}
    assert world.inside("admin").get("/v1/me", headers=headers).json()["subject"] == "auditor"


def test_another_customer_sees_nothing(world: World, session_id: str) -> None:
    """Neither the account nor its ledger, tickets, or sessions; not even that they exist."""
    other = world.inside("other-customer")
    world.write_ticket("ONLY-ONE", ACCOUNT)
    assert_problem(other.get(f"/v1/accounts/{ACCOUNT}"), 403, "forbidden")
    assert_problem(other.get("/v1/ledger", params={"account_id": ACCOUNT}), 403, "forbidden")
    assert_problem(other.get("/v1/ledger"), 403, "forbidden")
    assert_problem(other.get("/v1/tickets/ONLY-ONE"), 404, "not_found")
    assert_problem(other.get(f"/v1/sessions/{session_id}"), 404, "not_found")
    accounts = other.get("/v1/accounts").json()["items"]
    assert [account["account_id"] for account in accounts] == [OTHER]
    tickets = other.get("/v1/tickets").json()["items"]
    assert all(OTHER in ticket["account_ids"] for ticket in tickets)
    sessions = pages(other, "/v1/sessions", limit=200)
    assert {session["account_id"] for session in sessions} <= {OTHER}
    assert other.get("/v1/sessions", params={"account_id": ACCOUNT}).json()["items"] == []


def test_an_account_that_does_not_exist_looks_like_anothers(world: World) -> None:
    """A customer cannot find out which accounts are registered."""
    other = world.inside("other-customer")
    problems = [other.get(f"/v1/accounts/{account_id}").json() for account_id in (ACCOUNT, NOWHERE)]
    for problem in problems:
        del problem["request_id"]
    assert problems[0] == problems[1]


def test_an_engineer_sees_only_own_sessions(world: World, session_id: str) -> None:
    """Another engineer's session is not there, not in the list either."""
    world.add_caller("eve@vendor.example", Role.ENGINEER)
    eve = world.inside("eve@vendor.example")
    assert_problem(eve.get(f"/v1/sessions/{session_id}"), 404, "not_found")
    assert eve.get("/v1/sessions").json() == {"items": [], "next": None}
    assert eve.get("/v1/sessions", params={"account_id": ACCOUNT}).json()["items"] == []


def test_an_engineer_opens_sessions_for_nobody_else(world: World) -> None:
    """on_behalf_of is a console's: 403, in the broker's chain, and no line in the account's."""
    before = world.ledger(ACCOUNT)
    answer = world.session(world.inside(ENGINEER), on_behalf_of="bea@vendor.example")
    assert_problem(answer, 403, "forbidden")
    assert world.ledger(ACCOUNT) == before
    assert world.ledger()[-1].reason == "forbidden"


def test_consent_is_the_customers_alone(world: World) -> None:
    """Nobody of the vendor's gives or takes it, and a mixed change is refused whole."""
    before = world.inside("admin").get(f"/v1/accounts/{ACCOUNT}").json()
    for subject in ("admin", "console", "auditor", "approver", ENGINEER, "other-customer"):
        for body in ({"consent": "off"}, {"consent": "off", "payer": True}):
            answer = world.inside(subject).patch(f"/v1/accounts/{ACCOUNT}", json=body)
            assert_problem(answer, 403, "forbidden")
    answer = world.inside("customer").patch(
        f"/v1/accounts/{ACCOUNT}", json={"consent": "off", "payer": True}
    )
    assert_problem(answer, 403, "forbidden")
    assert world.inside("admin").get(f"/v1/accounts/{ACCOUNT}").json() == before


def test_a_ticket_is_written_only_by_who_has_a_say_in_all_its_accounts(world: World) -> None:
    """Those that it concerns and those that it concerned: a bound console takes over nothing."""
    world.add_caller("small-console", Role.CONSOLE, accounts=(OTHER,))
    small = world.inside("small-console")
    world.write_ticket("SHARED", ACCOUNT, OTHER)
    own = {"account_ids": [OTHER], "status": "open"}
    assert small.put("/v1/tickets/SMALL", json=own).is_success
    assert_problem(small.put("/v1/tickets/SHARED", json=own), 403, "forbidden")
    everywhere = {"account_ids": [], "status": "open"}
    assert_problem(small.put("/v1/tickets/NOWHERE", json=everywhere), 403, "forbidden")
