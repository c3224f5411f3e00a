"""What belongs to accounts and engineers, newest first: of everybody, of some, or of one.

Members of the indexes begin with a time and name the account and the record (`indexes.py`), so
that several indexes can be read as one list, and one index filtered by account.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from broker.domain.identifiers import AccountId, EngineerId
from broker.store.connection import Connection
from broker.store.paging import Order, cut, part_of, read_cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Three kinds of indexes over the same members: all, in an account, of an engineer."""

    connection: Connection
    form: re.Pattern[str]
    everybody: str
    in_account: Callable[[AccountId], str]
    of_engineer: Callable[[EngineerId], str]

    def part(
        self,
        *,
        account_ids: Sequence[AccountId] | None,
        engineer: EngineerId | None,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[str], str | None]:
        """Members, and the cursor of those that follow; None is no filter, () matches nothing."""
        after = read_cursor(cursor, self.form)
        accounts = None if account_ids is None else frozenset(account_ids)
        if engineer is not None:
            index = self.of_engineer(engineer)
            found = self._filtered(index, accounts, after=after, limit=limit + 1)
        elif accounts is not None:
            indexes = [self.in_account(account_id) for account_id in accounts]
            found = self._newest(indexes, after=after, limit=limit + 1)
        else:
            found = self._newest([self.everybody], after=after, limit=limit + 1)
        return cut(found, limit)

    def _newest(self, indexes: Sequence[str], *, after: str | None, limit: int) -> list[str]:
        """The first `limit` members of the indexes taken together."""
        parts = self.connection.send_all(
            [part_of(index, after=after, limit=limit, order=Order.DESCENDING) for index in indexes]
        )
        return sorted((member for part in parts for member in part), reverse=True)[:limit]

    def _filtered(
        self,
        index: str,
        accounts: frozenset[AccountId] | None,
        *,
        after: str | None,
        limit: int,
    ) -> list[str]:
        """The first `limit` members that belong to one of `accounts`; a member names its own."""
        kept: list[str] = []
        while len(kept) < limit:
            part = self._newest([index], after=after, limit=limit)
            kept += [member for member in part if accounts is None or _account(member) in accounts]
            if len(part) < limit:
                break
            after = part[-1]
        return kept[:limit]


def _account(member: str) -> str:
    return member.split("/")[1]
