"""What is understood of other systems' tickets, and that nothing else becomes a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.identifiers import TicketId
from broker.domain.ticket_sources.reading import Asked, Mapped, Unreadable, account_ids, subject
from broker.domain.ticket_sources.shapes import Shape
from broker.domain.tickets import Ticket, TicketStatus
from tests.unit.domain.ticket_answers import (
    JIRA,
    JIRA_FIELD,
    MISSING,
    PLAIN,
    ZENDESK,
    ZENDESK_FIELD,
    changed,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ONE, TWO = "111122223333", "222233334444"
OPEN, CLOSED = TicketStatus.OPEN, TicketStatus.CLOSED

ANSWERS = {
    Shape.PLAIN: (PLAIN, "T-7", ""),
    Shape.ZENDESK: (ZENDESK, "35436", ZENDESK_FIELD),
    Shape.JIRA: (JIRA, "SUP-42", JIRA_FIELD),
}


def read(shape: Shape, answer: object, **mapped: Any) -> Ticket | None:
    _, ticket_id, accounts_field = ANSWERS[shape]
    asked = Asked(ticket_id=TicketId.parse(ticket_id), at=NOW)
    return shape.read(answer, asked, Mapped(accounts_field=accounts_field, **mapped))


def spoilt(shape: Shape, path: str, value: object) -> Ticket | None:
    return read(shape, changed(ANSWERS[shape][0], path, value))


@pytest.mark.parametrize("shape", Shape)
def test_an_answer_as_it_is_documented(shape: Shape) -> None:
    answer, ticket_id, _ = ANSWERS[shape]
    assert read(shape, answer) == Ticket(
        ticket_id=TicketId(ticket_id),
        account_ids=(ONE,) if shape is Shape.PLAIN else (ONE, TWO),
        subject="The instance does not start",
        status=OPEN,
        assignees=("jane@vendor.example",),
        updated_at=NOW,
    )


STATUSES = [
    (Shape.PLAIN, "status", {"open": OPEN, "closed": CLOSED, "Open": CLOSED, "new": CLOSED}),
    (
        Shape.ZENDESK,
        "ticket.status",
        {"new": OPEN, "open": OPEN, "pending": OPEN, "hold": OPEN}
        | dict.fromkeys(("solved", "closed", "deleted", "Open", ""), CLOSED),
    ),
    (
        Shape.JIRA,
        "fields.status.statusCategory.key",
        {"new": OPEN, "indeterminate": OPEN}
        | dict.fromkeys(("done", "undefined", "In Progress", ""), CLOSED),
    ),
]


@pytest.mark.parametrize(
    ("shape", "path", "told", "status"),
    [
        (shape, path, told, status)
        for shape, path, all_ in STATUSES
        for told, status in all_.items()
    ],
)
def test_a_status_that_is_not_known_to_be_open_is_not_open(
    shape: Shape, path: str, told: str, status: TicketStatus
) -> None:
    ticket = spoilt(shape, path, told)
    assert ticket is not None
    assert ticket.status is status


OTHERS = [
    (Shape.PLAIN, "id", "T-8"),
    (Shape.PLAIN, "id", "t-7"),
    (Shape.PLAIN, "id", 7),
    (Shape.ZENDESK, "ticket.id", 35437),
    (Shape.JIRA, "key", "SUP-43"),
    (Shape.JIRA, "key", "sup-42"),
    (Shape.JIRA, "key", None),
]


@pytest.mark.parametrize(("shape", "path", "told"), OTHERS)
def test_an_answer_about_another_ticket_is_none_about_this_one(
    shape: Shape, path: str, told: object
) -> None:
    assert spoilt(shape, path, told) is None


def test_a_number_written_otherwise_is_another_ticket() -> None:
    asked = Asked(ticket_id=TicketId.parse("035436"), at=NOW)
    assert Shape.ZENDESK.read(ZENDESK, asked, Mapped(accounts_field=ZENDESK_FIELD)) is None


UNREADABLE = [
    (Shape.PLAIN, "id", MISSING),
    (Shape.PLAIN, "status", MISSING),
    (Shape.PLAIN, "account_ids", MISSING),
    (Shape.PLAIN, "assignees", MISSING),
    (Shape.PLAIN, "assignees", None),
    (Shape.PLAIN, "assignees", "jane@vendor.example"),
    (Shape.PLAIN, "assignees", ["jane doe"]),
    (Shape.PLAIN, "assignees", [7]),
    (Shape.PLAIN, "assignees", ["jane"] * 101),
    (Shape.ZENDESK, "ticket", MISSING),
    (Shape.ZENDESK, "ticket", []),
    (Shape.ZENDESK, "ticket.id", "35436"),
    (Shape.ZENDESK, "ticket.id", True),
    (Shape.ZENDESK, "ticket.status", MISSING),
    (Shape.ZENDESK, "ticket.status", None),
    (Shape.ZENDESK, "ticket.status", ["open"]),
    (Shape.ZENDESK, "ticket.custom_fields", MISSING),
    (Shape.ZENDESK, "ticket.custom_fields", {}),
    (Shape.ZENDESK, "ticket.custom_fields.0", "a field"),
    (Shape.ZENDESK, "ticket.custom_fields.0", {"id": 360012345678, "value": "999999999999"}),
    (Shape.ZENDESK, "ticket.assignee_id", MISSING),
    (Shape.ZENDESK, "ticket.assignee_id", "235323"),
    (Shape.ZENDESK, "ticket.assignee_id", 999),
    (Shape.ZENDESK, "users", MISSING),
    (Shape.ZENDESK, "users", None),
    (Shape.ZENDESK, "users.0.id", 235323),
    (Shape.ZENDESK, "users.1.email", MISSING),
    (Shape.ZENDESK, "users.1.email", None),
    (Shape.ZENDESK, "users.1.email", "jane doe@vendor.example"),
    (Shape.JIRA, "key", MISSING),
    (Shape.JIRA, "fields", MISSING),
    (Shape.JIRA, "fields", None),
    (Shape.JIRA, "fields.status", MISSING),
    (Shape.JIRA, "fields.status", "Open"),
    (Shape.JIRA, "fields.status.statusCategory", MISSING),
    (Shape.JIRA, "fields.status.statusCategory.key", 4),
    (Shape.JIRA, "fields.assignee", MISSING),
    (Shape.JIRA, "fields.assignee", "jane"),
    (Shape.JIRA, "fields.assignee.emailAddress", MISSING),
    (Shape.JIRA, "fields.assignee.emailAddress", None),
]


@pytest.mark.parametrize(("shape", "path", "value"), UNREADABLE)
def test_what_is_missing_or_of_another_form_is_never_guessed(
    shape: Shape, path: str, value: object
) -> None:
    """An assignee above all, without whom the ticket would be anybody's."""
    with pytest.raises(Unreadable):
        spoilt(shape, path, value)


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("answer", [None, [], "open", 7, {}, [{}]])
def test_what_is_no_ticket_at_all(shape: Shape, answer: object) -> None:
    with pytest.raises(Unreadable):
        read(shape, answer)


@pytest.mark.parametrize(
    ("shape", "path", "nobody"),
    [
        (Shape.PLAIN, "assignees", []),
        (Shape.ZENDESK, "ticket.assignee_id", None),
        (Shape.JIRA, "fields.assignee", None),
    ],
)
def test_a_ticket_that_is_said_to_be_nobodys_is_anybodys(
    shape: Shape, path: str, nobody: object
) -> None:
    ticket = spoilt(shape, path, nobody)
    assert ticket is not None
    assert ticket.assignees == ()


@pytest.mark.parametrize(
    ("shape", "path"),
    [(Shape.ZENDESK, "users.1.email"), (Shape.JIRA, "fields.assignee.emailAddress")],
)
def test_engineers_may_be_called_by_a_part_of_their_address(shape: Shape, path: str) -> None:
    """Of one domain only: the same name at another one is somebody else."""
    mapped = {"email_domain": "vendor.example"}
    ticket = read(shape, ANSWERS[shape][0], **mapped)
    assert ticket is not None
    assert ticket.assignees == ("jane",)
    for other in ("jane@else.example", "jane@vendor.example.org", "@vendor.example", "jane"):
        with pytest.raises(Unreadable):
            read(shape, changed(ANSWERS[shape][0], path, other), **mapped)


@pytest.mark.parametrize("mapped", [{}, {"email_domain": "vendor.example"}])
@pytest.mark.parametrize(
    ("shape", "path"),
    [(Shape.ZENDESK, "users.1.email"), (Shape.JIRA, "fields.assignee.emailAddress")],
)
def test_no_other_letter_becomes_an_ascii_one(
    shape: Shape, path: str, mapped: dict[str, str]
) -> None:
    """The Kelvin sign is a k in lower case, and its address is not that of whoever has the k."""
    told = changed(ANSWERS[shape][0], path, "mar\N{KELVIN SIGN}@vendor.example")
    with pytest.raises(Unreadable):
        read(shape, told, **mapped)


ACCOUNTS: list[tuple[object, tuple[str, ...]]] = [
    (ONE, (ONE,)),
    (f"{ONE}, {TWO}", (ONE, TWO)),
    (f"{ONE};{TWO}\n{ONE}", (ONE, TWO)),
    ("1111-2222-3333", (ONE,)),
    (111122223333, (ONE,)),
    ([ONE, TWO], (ONE, TWO)),
    ([{"id": "1", "value": ONE}, {"id": "2", "value": TWO}], (ONE, TWO)),
    ({"id": "1", "value": ONE}, (ONE,)),
    (None, ()),
    ("", ()),
    ([], ()),
    (True, ()),
    (11112222333, ()),
    (111122223333.0, ()),
    ("1111222233334", ()),
    ("١١١١٢٢٢٢٣٣٣٣", ()),
    (f"not {ONE}", ()),
    (f"{ONE} and {TWO}", ()),
    ("11-1122223333", ()),
    ([ONE, None], ()),
    ([ONE, [TWO]], ()),
    ([ONE, {"name": TWO}], ()),
    ({"type": "doc", "content": [{"text": ONE}]}, ()),
    ([f"{number:012d}" for number in range(101)], ()),
]


@pytest.mark.parametrize(("value", "named"), ACCOUNTS)
def test_the_accounts_that_a_field_names(value: object, named: tuple[str, ...]) -> None:
    """Anything beside them, and it names none."""
    assert account_ids(value) == named


@pytest.mark.parametrize(
    ("shape", "path", "value"),
    [
        (Shape.PLAIN, "account_ids", None),
        (Shape.ZENDESK, "ticket.custom_fields", []),
        (Shape.ZENDESK, "ticket.custom_fields.1.value", None),
        (Shape.JIRA, f"fields.{JIRA_FIELD}", MISSING),
        (Shape.JIRA, f"fields.{JIRA_FIELD}", None),
    ],
)
def test_a_ticket_without_accounts_concerns_none(shape: Shape, path: str, value: object) -> None:
    ticket = spoilt(shape, path, value)
    assert ticket is not None
    assert ticket.account_ids == ()


def test_a_field_that_nobody_named_is_not_looked_at() -> None:
    assert account_ids(None) == ()
    ticket = Shape.JIRA.read(
        changed(JIRA, "fields.customfield_10042", MISSING),
        Asked(ticket_id=TicketId("SUP-42"), at=NOW),
        Mapped(accounts_field="customfield_1"),
    )
    assert ticket is not None
    assert ticket.account_ids == ()


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("a\r\nb\x00c\u202ed\u2028e", "a b c d e"),
        ("  x  y ", "x y"),
        ("x" * 501, "x" * 500),
        ("\ud800", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_subject_is_one_bounded_line(told: object, kept: str) -> None:
    assert subject(told) == kept


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(shape=st.sampled_from(Shape), path=st.data(), value=JSON)
def test_whatever_stands_anywhere_no_other_error_leaves(
    shape: Shape, path: st.DataObject, value: object
) -> None:
    """Untrusted text from end to end: a ticket, none, or Unreadable."""
    places = {
        Shape.PLAIN: list(PLAIN),
        Shape.ZENDESK: ["ticket", "users", *(f"ticket.{name}" for name in ZENDESK["ticket"])],
        Shape.JIRA: ["key", "fields", *(f"fields.{name}" for name in JIRA["fields"])],
    }
    place = path.draw(st.sampled_from(places[shape]))
    try:
        ticket = spoilt(shape, place, value)
    except Unreadable:
        return
    if ticket is not None:
        assert all(account.isdigit() for account in ticket.account_ids)
        assert ticket.subject.isprintable()


@pytest.mark.parametrize(
    ("shape", "field", "fits"),
    [
        (Shape.PLAIN, "", True),
        (Shape.PLAIN, "27642", False),
        (Shape.ZENDESK, "27642", True),
        (Shape.ZENDESK, "", False),
        (Shape.ZENDESK, "customfield_10042", False),
        (Shape.JIRA, "customfield_10042", True),
        (Shape.JIRA, "labels", False),
        (Shape.JIRA, "", False),
    ],
)
def test_the_name_of_the_field(shape: Shape, field: str, fits: bool) -> None:
    assert (shape.objection(field) is None) is fits
