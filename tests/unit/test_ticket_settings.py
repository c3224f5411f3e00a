"""What an operator says of a ticket system: where it is, whose answers it gives, by what leave."""

from __future__ import annotations

import pytest

from broker.domain.identifiers import TicketId
from broker.domain.ticket_sources.address import TicketUrl
from broker.domain.ticket_sources.shapes import Shape
from broker.errors import ConfigurationError
from broker.settings import load
from broker.wiring.tickets import _authorization

ZENDESK = "https://acme.zendesk.com/api/v2/tickets/{ticket}.json?include=users"
GOOD = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
    "BROKER_TICKETS_URL": ZENDESK,
    "BROKER_TICKETS_TOKEN": "agent@vendor.example/token:s3cret",
    "BROKER_TICKETS_AUTHORIZATION": "Basic",
    "BROKER_TICKETS_SHAPE": "zendesk",
    "BROKER_TICKETS_ACCOUNTS_FIELD": "360012345678",
    "BROKER_TICKETS_EMAIL_DOMAIN": "vendor.example",
}


def test_a_ticket_system_as_its_operator_describes_it() -> None:
    settings = load(GOOD)
    assert settings.tickets_url == TicketUrl(
        scheme="https",
        host="acme.zendesk.com",
        port=443,
        template="/api/v2/tickets/{ticket}.json?include=users",
    )
    assert settings.tickets_shape is Shape.ZENDESK
    assert "s3cret" not in repr(settings)


def test_without_one_tickets_come_from_the_console() -> None:
    ours = {name: value for name, value in GOOD.items() if not name.startswith("BROKER_TICKETS")}
    assert load(ours).tickets_url is None


@pytest.mark.parametrize(
    ("scheme", "secret", "header"),
    [
        # RFC 7617, section 2: the well-known example.
        ("Basic", "Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("Bearer", "abc:def", "Bearer abc:def"),
        ("GenieKey", "abc", "GenieKey abc"),
    ],
)
def test_the_header_that_it_is_asked_with(scheme: str, secret: str, header: str) -> None:
    told = {"BROKER_TICKETS_AUTHORIZATION": scheme, "BROKER_TICKETS_TOKEN": secret}
    assert _authorization(load({**GOOD, **told})) == header


def test_it_may_be_asked_without_one() -> None:
    without = {name: value for name, value in GOOD.items() if "TOKEN" not in name}
    assert _authorization(load(without)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHAPE", "jira"),
        ("SHAPE", "freshdesk"),
        ("ACCOUNTS_FIELD", ""),
        ("ACCOUNTS_FIELD", "the accounts"),
        ("AUTHORIZATION", "Basic realm"),
        ("TOKEN", ""),
        ("TOKEN", " padded:x "),
        ("TOKEN", "two\r\nlines:x"),
        ("TOKEN", "é:x"),
        ("EMAIL_DOMAIN", "@vendor.example"),
        ("EMAIL_DOMAIN", "Vendor.example"),
        ("CHECK_SECONDS", "41"),
        ("CHECK_SECONDS", "4"),
        ("SILENCE_SECONDS", "59"),
    ],
)
def test_what_cannot_be_meant(name: str, value: str) -> None:
    """Found at the start, all at once, and never echoed."""
    with pytest.raises(ConfigurationError) as caught:
        load({**GOOD, f"BROKER_TICKETS_{name}": value})
    assert any(problem.startswith("BROKER_TICKETS_") for problem in caught.value.problems)
    assert "s3cret" not in str(caught.value)


def test_basic_needs_a_user_and_a_password() -> None:
    with pytest.raises(ConfigurationError, match="must be <user>:<password>"):
        load({**GOOD, "BROKER_TICKETS_TOKEN": "s3cret"})


def test_a_token_for_nobody_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="is set without BROKER_TICKETS_URL"):
        load({name: value for name, value in GOOD.items() if name != "BROKER_TICKETS_URL"})


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://t.example/{ticket}", "/T-1.2_3"),
        ("https://t.example:8443/x/{ticket}/y?z=%20", "/x/T-1.2_3/y?z=%20"),
        ("https://t.example/x?id={ticket}", "/x?id=T-1.2_3"),
        ("http://127.0.0.1:9000/{ticket}", "/T-1.2_3"),
        ("http://localhost/{ticket}", "/T-1.2_3"),
    ],
)
def test_the_place_of_the_ticket_in_the_url(url: str, target: str) -> None:
    assert TicketUrl.parse(url).target(TicketId.parse("T-1.2_3")) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://t.example/{ticket}",
        "http://169.254.169.254/{ticket}",
        "ftp://t.example/{ticket}",
        "https://t.example/",
        "https://t.example/tickets",
        "https://t.example/{ticket}/{ticket}",
        "https://t.example/{ticket}/{id}",
        "https://t.example/{ticket}}",
        "https://{ticket}.example/",
        "https://{ticket}.example/{ticket}",
        "https://t.example:{ticket}/{ticket}",
        "https://user:s3cret@t.example/{ticket}",
        "https://T.example/{ticket}",
        "https://t.example/{ticket}#x",
        "https://t.example/\\{ticket}",
        "https://t.example/{ticket} ",
        "https://t.example/{ticket}\n",
        "https://t.example:0/{ticket}",
        "https://t.example:65536/{ticket}",
        "https://t.example?id={ticket}",
        "//t.example/{ticket}",
    ],
)
def test_what_is_no_such_url(url: str) -> None:
    with pytest.raises(ValueError, match="must ") as caught:
        TicketUrl.parse(url)
    assert "s3cret" not in str(caught.value)
