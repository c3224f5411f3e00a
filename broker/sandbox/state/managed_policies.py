"""AWS's managed policies in every account, read once for the whole process.

moto reads its five megabytes of them for each account anew, and only if an environment variable
asked for it before the import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend


def install() -> None:
    """Give each account's IAM the managed policies, in this process."""
    policies: Mapping[str, Mapping[str, Any]] = json.loads(aws_managed_policies_data)
    texts = {name: json.dumps(policy["Document"]) for name, policy in policies.items()}

    def init_aws_policies(self: IAMBackend) -> list[AWSManagedPolicy]:
        return [
            AWSManagedPolicy(  # type: ignore[abstract]  # moto makes them the same way
                name,
                account_id=self.account_id,
                region=self.region_name,
                default_version_id=policy["DefaultVersionId"],
                path=policy["Path"],
                document=texts[name],
                create_date=datetime.fromisoformat(policy["CreateDate"]),
                update_date=datetime.fromisoformat(policy["UpdateDate"]),
            )
            for name, policy in policies.items()
        ]

    IAMBackend._init_aws_policies = init_aws_policies  # type: ignore[assignment,method-assign] # noqa: SLF001
