"""Accounts: registered, looked after, diagnosed, proved."""

from __future__ import annotations

from datetime import UTC, datetime

from broker.contract.accounts import (
    AccountAnswer,
    AccountBody,
    AccountPage,
    AccountPatch,
    KeyAnswer,
    KeyRotationBody,
    PlanAnswer,
    StepAnswer,
)
from broker.contract.diagnoses import CheckAnswer, DiagnosisAnswer
from broker.contract.proofs import ProofAnswer
from broker.domain.accounts import AccountState, Consent, Profile
from broker.domain.diagnosis import CheckStatus
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import Proof, RoleProof
from broker.web.examples import world

REGISTRATION = AccountBody(
    account_id=world.ACCOUNT,
    customer=world.CUSTOMER,
    profile=Profile.METADATA,
    consent=Consent.PER_GRANT,
)
CHANGE = AccountPatch(consent=Consent.OFF)
ROTATION = KeyRotationBody(emergency=False)

ACTIVE = AccountAnswer(
    account_id=world.ACCOUNT,
    partition="aws",
    customer=world.CUSTOMER,
    payer=False,
    profile=Profile.METADATA,
    consent=Consent.PER_GRANT,
    state=AccountState.ACTIVE,
    issuer=world.ISSUER,
    external_id="hb-7f3d9c51e2a84b06",
    launch_url="https://console.aws.amazon.com/cloudformation/home#/stacks/quickcreate",
    template_version="3",
    last_error=None,
    checkpoint_bucket=world.BUCKET,
    checkpoint_error=None,
    next_check_at=world.at(20, 0),
    created_at=world.at(9, 30),
    keys=[
        KeyAnswer(kid=world.KID, state="active", algorithm="ES256", created_at=world.at(9, 30)),
        KeyAnswer(
            kid="oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
            state="published",
            algorithm="ES256",
            created_at=world.at(9, 31),
        ),
    ],
)
JUST_REGISTERED = ACTIVE.model_copy(
    update={
        "state": AccountState.REGISTERED,
        "template_version": None,
        "checkpoint_bucket": None,
        "next_check_at": None,
        "keys": [],
    }
)
SWITCHED_OFF = ACTIVE.model_copy(update={"consent": Consent.OFF})
REMOVING = ACTIVE.model_copy(update={"state": AccountState.REMOVING})
ACCOUNTS = AccountPage(items=[ACTIVE], next=None)

PLAN = PlanAnswer(
    steps=[
        StepAnswer(
            step="SetTrustPolicy Acme-Support-ReadOnly",
            why="the trust policy differs from what is wanted",
        )
    ]
)

DIAGNOSIS = DiagnosisAnswer(
    verdict=CheckStatus.FAILED,
    checks=[
        CheckAnswer(
            name="store",
            status=CheckStatus.OK,
            found="It answers, and keeps what it is given on disk.",
            meaning="",
            mend="",
        ),
        CheckAnswer(
            name="discovery document",
            status=CheckStatus.FAILED,
            found="It does not answer within 5 seconds.",
            meaning="AWS cannot fetch the keys and takes no token.",
            mend="Let the internet reach the broker's public URL.",
        ),
    ],
)

PROOF = ProofAnswer.of(
    Proof(
        account_id=world.ACCOUNT,
        profile=Profile.METADATA,
        made_at=world.at(14, 0),
        catalogue_version="0.1.202610271",
        catalogue_updated_at=datetime(2026, 10, 27, tzinfo=UTC),
        roles=(
            RoleProof(
                role="Acme-Support-ReadOnly",
                actions={
                    AccessLevel.LIST: ("ec2:DescribeInstances", "s3:ListAllMyBuckets"),
                    AccessLevel.READ: ("cloudwatch:GetMetricData",),
                },
            ),
        ),
    )
)

EXAMPLES = (REGISTRATION, CHANGE, ROTATION, ACTIVE, ACCOUNTS, PLAN, DIAGNOSIS, PROOF)
