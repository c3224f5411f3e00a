"""Requests of any kind, and sign-ins that fail: limited by caller and by address, over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from broker.domain.identity.permissions import Role
from tests.integration.api.parallel import at_once
from tests.integration.api.samples import ENDPOINTS, SAMPLES, address
from tests.integration.api.world import ENGINEER, World, assert_problem
from tests.integration.limits.conftest import Tuned

WRONG = {"Authorization": f"Bearer brk_{'0' * 12}_{'0' * 64}"}
Client = Callable[..., httpx.Client]


@pytest.fixture
def client(world: World, tuned: Tuned) -> Iterator[Client]:
    """A client of a broker in this process with these settings."""
    with ExitStack() as stack:

        def make(subject: str, **limits: str) -> httpx.Client:
            return stack.enter_context(world.inside_of(tuned(**limits), subject))

        yield make


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_operation_counts_as_a_request(client: Client, name: str) -> None:
    """Before anything else is looked at; the health of the broker does not count."""
    caller = client("auditor", limit_requests_per_caller="1/60")
    assert caller.get("/v1/me").is_success
    endpoint = ENDPOINTS[name]
    answer = caller.request(
        endpoint.method, address(name), params=SAMPLES[name].query, content=b"not JSON"
    )
    problem = assert_problem(answer, 429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert problem["limit"] == "requests_of_caller"
    assert caller.get("/healthz").is_success


def test_each_caller_has_requests_of_their_own(client: Client) -> None:
    """By API token: another one of the same broker goes on."""
    first = client("auditor", limit_requests_per_caller="2/60")
    second = client(ENGINEER, limit_requests_per_caller="2/60")
    assert [first.get("/v1/me").status_code for _ in range(4)] == [200, 200, 429, 429]
    assert second.get("/v1/me").is_success


def test_whoever_is_refused_all_the_time_does_not_lengthen_the_ledger(
    world: World, client: Client
) -> None:
    """What is allowed goes on meanwhile; each refusal within the limit has its entry."""
    caller = client(ENGINEER, limit_refusals_per_caller="3/60")
    before = len(world.ledger())
    refused = [caller.get("/v1/tokens") for _ in range(20)]
    assert Counter(each.status_code for each in refused) == {403: 3, 429: 17}
    problem = assert_problem(refused[-1], 429, "rate_limited")
    assert problem["limit"] == "refusals_of_caller"
    assert caller.get("/v1/me").is_success
    unknown = f"/v1/grants/gr-{'0' * 20}/revocation"
    assert_problem(caller.post(unknown, json={"reason": "no"}), 429, "rate_limited")
    reasons = [entry.reason for entry in world.ledger()[before:]]
    assert reasons == ["forbidden"] * 3 + ["rate_limited"]


def test_a_flood_of_requests_is_one_entry(world: World, client: Client) -> None:
    """However long it lasts within the minute."""
    caller = client("auditor", limit_requests_per_caller="1/60")
    before = world.ledger()
    for _ in range(50):
        caller.get("/v1/me")
    (entry,) = world.ledger()[len(before) :]
    assert (entry.actor, entry.reason) == ("auditor", "rate_limited")
    assert entry.ids["limit"] == "requests_of_caller"


def test_requests_at_the_same_moment_are_counted_exactly(client: Client) -> None:
    """Two brokers on one store."""
    callers = [client("auditor", limit_requests_per_caller="50/60") for _ in range(2)]
    answers = at_once([lambda n=n: callers[n % 2].get("/v1/me") for n in range(100)])
    assert Counter(answer.status_code for answer in answers) == {200: 50, 429: 50}


def test_reading_goes_on_while_the_store_takes_no_writes(world: World) -> None:
    """What cannot be counted is not refused, where nothing comes of it; a session is."""
    auditor, engineer = world.over_http("auditor"), world.over_http(ENGINEER)
    try:
        world.redis.config_set("min-replicas-to-write", 1)
        assert auditor.get("/v1/accounts").is_success
        assert_problem(world.session(engineer), 503, "store_unavailable")
        assert_problem(auditor.get("/v1/me", headers=WRONG), 503, "store_unavailable")
    finally:
        world.redis.config_set("min-replicas-to-write", 0)
    assert world.session(engineer).is_success


def test_guesses_are_limited_by_address(world: World, client: Client) -> None:
    """401 as often as the limit says, then 429 for all that was never good here, right or wrong."""
    world.add_caller("newcomer", Role.AUDITOR)
    newcomer = {"Authorization": f"Bearer {world.secrets['newcomer']}"}
    caller = client("auditor", limit_failed_sign_ins_per_address="3/300")
    assert caller.get("/v1/me").is_success
    guesses = [caller.get("/v1/me", headers=WRONG) for _ in range(6)]
    assert [answer.status_code for answer in guesses] == [401] * 3 + [429] * 3
    problem = assert_problem(guesses[-1], 429, "rate_limited")
    assert 290 < int(guesses[-1].headers["Retry-After"]) <= 300
    assert problem["limit"] == "failed_sign_ins_from_address"
    assert_problem(caller.get("/v1/me", headers=newcomer), 429, "rate_limited")
    assert caller.get("/v1/me").is_success
    # Nobody is counted for saying nothing, nor for what is public.
    assert_problem(caller.get("/v1/me", headers={"Authorization": ""}), 401, "unauthenticated")
    assert caller.get("/openapi.json").is_success


@pytest.mark.parametrize(
    ("proxies", "forwarded", "together"),
    [
        ("0", ["203.0.113.1", "203.0.113.2"], True),
        ("1", ["203.0.113.1", "203.0.113.2"], False),
        ("1", ["203.0.113.1", "203.0.113.1"], True),
        ("1", ["198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.1"], True),
        ("2", ["198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.1"], False),
        ("1", ["2001:db8::1", "2001:db8::2"], True),
        ("1", ["2001:db8::1", "2001:db8:0:1::1"], False),
    ],
)
def test_the_address_is_the_one_that_trusted_proxies_tell(
    client: Client, proxies: str, forwarded: list[str], together: bool
) -> None:
    """What a caller writes into X-Forwarded-For itself counts for nothing."""
    caller = client("auditor", limit_failed_sign_ins_per_address="1/300", trusted_proxies=proxies)
    first, second = (
        caller.get("/v1/me", headers={**WRONG, "X-Forwarded-For": addresses})
        for addresses in forwarded
    )
    assert first.status_code == 401
    assert second.status_code == (429 if together else 401)


def test_a_revoked_token_is_refused_by_every_process_at_once(world: World) -> None:
    """The next request with it, on any web process: nothing keeps tokens in memory."""
    token_id = world.add_caller("leaver", Role.AUDITOR)
    clients = [world.over_http("leaver") for _ in range(2)] + [world.inside("leaver")]
    for _ in range(20):
        assert all(each.get("/v1/me").is_success for each in clients)
    world.over_http("admin").delete(f"/v1/tokens/{token_id}").raise_for_status()
    for _ in range(20):
        for each in clients:
            problem = assert_problem(each.get("/v1/me"), 401, "unauthenticated")
            assert problem["reason"] == "revoked"
