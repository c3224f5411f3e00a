"""Whose an access key is, without making what nobody has asked for.

moto looks for a key in every partition of every account, and what it looks at it makes: six IAMs
with 1,500 managed policies each for an account that is in one partition.
"""

from __future__ import annotations

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam import models


def install() -> None:
    """Let moto ask here, in this process."""
    models.get_account_id_from = _account_of


def _account_of(access_key: str) -> str:
    # Lists, since other threads add accounts and what they hold meanwhile.
    for account_id, partitions in list(models.iam_backends.items()):
        if any(access_key in iam.access_keys for iam in list(partitions.values())):
            return account_id
    return DEFAULT_ACCOUNT_ID
