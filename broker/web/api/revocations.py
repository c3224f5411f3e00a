"""`/v1/revocations`: ending much at once."""

from __future__ import annotations

from broker.contract.revocations import ManyRevokedAnswer, RevocationBody
from broker.services.calls import Call
from broker.web.endpoints import Api
from broker.wiring import Services

api = Api("revocations")


@api.endpoint("POST", "/v1/revocations", body=RevocationBody, answer=ManyRevokedAnswer, status=202)
def revoke_many(services: Services, call: Call, body: RevocationBody) -> ManyRevokedAnswer:
    """End what an engineer has, what a ticket led to, an account, or everything there is."""
    revoked = services.revoke_many(body.scope, call, reason=body.reason)
    return ManyRevokedAnswer.of(revoked, body.scope_name)
