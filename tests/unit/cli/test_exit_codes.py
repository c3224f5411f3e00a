"""Exit codes mean the same, whether the API answers or a service on this machine does."""

from __future__ import annotations

import pytest

from broker.cli import broker
from broker.cli.failures import ExitCode, reported
from broker.errors import (
    AccessDenied,
    BrokerError,
    ConfigurationError,
    Conflict,
    DependencyUnavailable,
    InvalidRequest,
    NotFound,
    RateLimited,
    UpstreamRejected,
)
from tests.unit.cli.answering import answering

MEANING = {
    InvalidRequest: ExitCode.USAGE,
    AccessDenied: ExitCode.REFUSED,
    NotFound: ExitCode.REFUSED,
    Conflict: ExitCode.REFUSED,
    RateLimited: ExitCode.FAILED,
    UpstreamRejected: ExitCode.FAILED,
    DependencyUnavailable: ExitCode.FAILED,
}


def _error(kind: type[BrokerError]) -> BrokerError:
    """One of this kind; how a limit is worded is not looked at."""
    error = kind.__new__(kind)
    BrokerError.__init__(error, "It is so.")
    return error


@pytest.mark.parametrize(("kind", "code"), MEANING.items(), ids=str)
def test_a_service_on_this_machine(kind, code, capsys):
    """One sentence and the code, on standard error alone."""

    def fails() -> None:
        raise _error(kind)

    with pytest.raises(SystemExit) as ended:
        reported(fails)
    assert ended.value.code == code
    assert capsys.readouterr() == ("", f"Error: It is so. [{kind.code}]\n")


@pytest.mark.parametrize(("kind", "code"), MEANING.items(), ids=str)
def test_the_api(kind, code, capsys, monkeypatch):
    """The same, and by which number the operator finds it in the log."""
    problem = {"detail": "It is so.", "code": kind.code, "request_id": "r1", "status": kind.status}
    with answering([problem], status=kind.status) as api:
        monkeypatch.setattr("sys.argv", ["broker", "whoami", *api.options])
        with pytest.raises(SystemExit) as ended:
            reported(broker)
    assert ended.value.code == code
    assert capsys.readouterr() == ("", f"Error: It is so. (request r1) [{kind.code}]\n")


def test_wrong_settings(capsys):
    """All of them at once."""

    def fails() -> None:
        raise ConfigurationError(["this", "that"])

    with pytest.raises(SystemExit) as ended:
        reported(fails)
    assert ended.value.code == ExitCode.USAGE
    assert "this" in capsys.readouterr().err
