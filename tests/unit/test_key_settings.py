"""The settings of key rotation: what they default to, and what they must not be together."""

from __future__ import annotations

import pytest

from broker.errors import ConfigurationError
from broker.settings import load

NEEDED = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
}


def test_the_defaults():
    """90 days, 24 hours of publication, and six hours for what AWS may keep beyond max-age."""
    settings = load(NEEDED)

    assert (
        settings.key_rotation_days,
        settings.key_publish_hours,
        settings.aws_jwks_cache_seconds,
    ) == (90, 24, 21600)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"BROKER_KEY_PUBLISH_HOURS": "6"}, "BROKER_KEY_PUBLISH_HOURS"),
        ({"BROKER_AWS_JWKS_CACHE_SECONDS": "86400"}, "BROKER_KEY_PUBLISH_HOURS"),
        ({"BROKER_JWKS_MAX_AGE_SECONDS": "86400"}, "BROKER_KEY_PUBLISH_HOURS"),
        (
            {"BROKER_KEY_PUBLISH_HOURS": "72", "BROKER_KEY_ROTATION_DAYS": "2"},
            "BROKER_KEY_ROTATION_DAYS",
        ),
        ({"BROKER_KEY_ROTATION_DAYS": "0"}, "BROKER_KEY_ROTATION_DAYS"),
    ],
)
def test_a_key_never_signs_before_every_copy_of_the_jwks_has_it(changed, named):
    """Refused at the start, with the name of what has to change."""
    with pytest.raises(ConfigurationError) as refused:
        load({**NEEDED, **changed})

    assert [problem.partition(":")[0] for problem in refused.value.problems] == [named]


def test_seven_hours_are_just_enough():
    """One of max-age, and six that AWS may add."""
    assert load({**NEEDED, "BROKER_KEY_PUBLISH_HOURS": "7"}).key_publish_hours == 7
