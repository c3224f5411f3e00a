"""`/v1/accounts/{account_id}/diagnosis`: what the doctor finds."""

from __future__ import annotations

from broker.contract.diagnoses import DiagnosisAnswer
from broker.domain.identifiers import AccountId
from broker.services.calls import Call
from broker.web.endpoints import Api
from broker.wiring import Services

api = Api("accounts")


@api.endpoint("GET", "/v1/accounts/<account_id>/diagnosis", answer=DiagnosisAnswer)
def diagnose_account(services: Services, call: Call, account_id: AccountId) -> DiagnosisAnswer:
    """Check the broker and the account, from settings to canaries; each check with its mend."""
    return DiagnosisAnswer.of(services.doctor.diagnose(account_id, call))
