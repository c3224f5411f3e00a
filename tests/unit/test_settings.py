"""Settings: every problem at once, no value echoed, https outside the sandbox."""

from __future__ import annotations

import pytest

from broker.errors import ConfigurationError
from broker.settings import load

GOOD = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
}
SANDBOX = {**GOOD, "BROKER_AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}


def problems(environment):
    """What is wrong with an environment."""
    with pytest.raises(ConfigurationError) as caught:
        load(environment)
    return caught.value.problems


def test_two_settings_are_enough():
    """Everything else has a sane default, safe ones where it matters."""
    settings = load(GOOD)
    assert settings.key_provider == "kms"
    assert settings.key_algorithm == "ES256"
    assert settings.jwks_max_age_seconds >= 300


def test_every_problem_is_listed_at_once():
    """Nobody should have to start the broker five times to find five mistakes."""
    found = problems(
        {
            "BROKER_ISSUER_URL": "http://broker.example.com",
            "BROKER_WORKERS": "many",
            "BROKER_JWKS_MAX_AGE_SECONDS": "60",
            "BROKER_KEY_PROVIDER": "hsm",
            "BROKER_STORE_URL": "memory:",
            "BROKER_AWS_ENDPOINT_URL": "https://sts.amazonaws.com",
            "BROKER_KEY_ALGORITM": "ES256",
        }
    )
    named = {problem.partition(":")[0] for problem in found}
    assert named == {
        "BROKER_ISSUER_URL",
        "BROKER_VENDOR_ACCOUNT_ID",
        "BROKER_WORKERS",
        "BROKER_JWKS_MAX_AGE_SECONDS",
        "BROKER_KEY_PROVIDER",
        "BROKER_STORE_URL",
        "BROKER_AWS_ENDPOINT_URL",
        "BROKER_KEY_ALGORITM",
    }
    assert "BROKER_KEY_ALGORITM: is not a setting; did you mean BROKER_KEY_ALGORITHM?" in found


def test_no_value_is_echoed():
    """A secret in the wrong variable must not end in a log."""
    secret = "hunter2-canary-value"
    names = ("ISSUER_URL", "STORE_URL", "WORKERS", "KEY_PROVIDER", "AWS_REGION", "UNKNOWN")
    environment = dict.fromkeys((f"BROKER_{name}" for name in names), secret)
    assert secret not in "\n".join(problems(environment))


def test_secrets_do_not_print():
    """Neither the store's password nor the passphrase shows in a repr."""
    settings = load(
        {
            **SANDBOX,
            "BROKER_STORE_URL": "rediss://:hunter2@store.example.com",
            "BROKER_KEY_PROVIDER": "local",
            "BROKER_LOCAL_KEYS_PASSPHRASE": "correct horse battery",
        }
        | {"BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER": "true"}
    )
    assert "hunter2" not in repr(settings)
    assert "correct horse" not in repr(settings)


ISSUERS = {
    "http": "http://broker.example.com",
    "loopback without the sandbox": "http://127.0.0.1:8080",
    "port": "https://broker.example.com:8443",
    "default port written out": "https://broker.example.com:443",
    "trailing slash": "https://broker.example.com/",
    "path": "https://broker.example.com/oidc",
    "query": "https://broker.example.com?x=1",
    "user": "https://me@broker.example.com",
    "upper case": "https://Broker.example.com",
    "no host": "https://",
    "no scheme": "broker.example.com",
    "too long": "https://" + "h" * 210,
}


@pytest.mark.parametrize("issuer", ISSUERS.values(), ids=ISSUERS.keys())
def test_an_issuer_that_aws_would_not_take_is_refused(issuer):
    """IAM compares the URL exactly: what could differ later is refused now."""
    found = problems({**GOOD, "BROKER_ISSUER_URL": issuer})
    assert [problem.partition(":")[0] for problem in found] == ["BROKER_ISSUER_URL"]


def test_http_is_for_the_sandbox_on_loopback_only():
    """With the sandbox, and only on this machine, an issuer may be plain."""
    assert load({**SANDBOX, "BROKER_ISSUER_URL": "http://127.0.0.1:8080"})
    assert problems({**SANDBOX, "BROKER_ISSUER_URL": "http://10.0.0.1:8080"})


def test_aws_elsewhere_is_the_sandbox_on_loopback_only():
    """No setting sends credentials to a host that is neither AWS nor this machine."""
    assert problems({**GOOD, "BROKER_AWS_ENDPOINT_URL": "http://aws.evil.example"})


def test_local_keys_need_a_passphrase_and_are_not_for_public_issuers():
    """Key files belong to one machine and the sandbox, unless someone says so explicitly."""
    local = {**GOOD, "BROKER_KEY_PROVIDER": "local"}
    assert problems(local)
    with_passphrase = {**local, "BROKER_LOCAL_KEYS_PASSPHRASE": "p" * 16}
    assert problems(with_passphrase)
    assert problems({**local, "BROKER_LOCAL_KEYS_PASSPHRASE": "p" * 15})
    allowed = {**with_passphrase, "BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER": "true"}
    assert load(allowed).key_provider == "local"


def test_the_clients_variables_are_not_settings():
    """`broker get` and the demo share the prefix."""
    names = ("URL", "CONFIG", "PROFILE", "TOKEN", "ADMIN_TOKEN", "BREAK_GLASS_TOKEN")
    assert load({**GOOD, **{f"BROKER_{name}": "x" for name in names}})


@pytest.mark.parametrize("name", ["TOKENS", "URLS", "PROFILES", "TOKEN_FILE"])
def test_what_resembles_them_is_a_mistake(name):
    """Nothing that begins like a setting passes unread."""
    with pytest.raises(ConfigurationError, match=f"BROKER_{name}: is not a setting"):
        load({**GOOD, f"BROKER_{name}": "x"})
