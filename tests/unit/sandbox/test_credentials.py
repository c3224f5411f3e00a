"""The register of temporary credentials."""

from datetime import timedelta

from broker.sandbox.clock import Clock
from broker.sandbox.state.credentials import (
    CredentialRegister,
    RoleIdentity,
    SessionAttributes,
    TemporaryCredentials,
)

ROLE = RoleIdentity("arn:aws-cn:iam::111122223333:role/path/Acme", "AROA1234567890")


def issue(register: CredentialRegister, hours: int = 1) -> TemporaryCredentials:
    return register.issue(
        role=ROLE,
        session_name="session",
        duration=timedelta(hours=hours),
        attributes=SessionAttributes(),
    )


def test_names() -> None:
    """The session's ARN is in the role's partition and leaves the path out."""
    credentials = issue(CredentialRegister(Clock()))
    assert credentials.arn == "arn:aws-cn:sts::111122223333:assumed-role/Acme/session"
    assert credentials.assumed_role_id == "AROA1234567890:session"
    assert credentials.access_key_id.startswith("ASIA")
    assert len(credentials.access_key_id) == 20


def test_secrets_do_not_print() -> None:
    """Neither the secret nor the session token is in the repr."""
    credentials = issue(CredentialRegister(Clock()))
    assert credentials.secret_access_key not in repr(credentials)
    assert credentials.session_token not in repr(credentials)


def test_expired_ones_are_forgotten_half_a_day_later() -> None:
    """Until then a caller hears that they expired; the register does not grow for ever."""
    clock = Clock()
    register = CredentialRegister(clock)
    old = issue(register)
    clock.set_offset(timedelta(hours=12))
    issue(register)
    assert register.find(old.access_key_id) == old
    clock.set_offset(timedelta(hours=14))
    recent = issue(register)
    assert register.find(old.access_key_id) is None
    assert register.find(recent.access_key_id) == recent


def test_whole_seconds() -> None:
    """STS states whole seconds, and aws:TokenIssueTime is compared with such."""
    credentials = issue(CredentialRegister(Clock()), hours=2)
    assert credentials.issued_at.microsecond == 0
    assert credentials.expiration - credentials.issued_at == timedelta(hours=2)
