"""The models of `/v1/accounts/{id}/proof`; a kept answer can be read again and compared."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from broker.contract.base import Answer
from broker.domain.accounts import Profile
from broker.domain.identifiers import AccountId
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import SCHEMA, Proof, RoleProof, Verdict
from broker.domain.times import Timestamp


class RoleProofAnswer(Answer):
    """What one role may do, and which of it should not be."""

    role: str
    counts: dict[AccessLevel, int]
    above_reading: list[str]
    broken_promises: list[str]
    unknown: list[str]
    partly_denied: list[str]
    violations: list[str]
    unproven: list[str]
    actions: dict[AccessLevel, list[str]]

    @classmethod
    def of(cls, role: RoleProof) -> RoleProofAnswer:
        """The answer for one role."""
        return cls(
            role=role.role,
            counts=dict(role.counts),
            above_reading=list(role.above_reading),
            broken_promises=list(role.broken_promises),
            unknown=list(role.unknown),
            partly_denied=list(role.partly_denied),
            violations=list(role.violations),
            unproven=list(role.unproven),
            actions={level: list(actions) for level, actions in role.actions.items()},
        )

    def read(self) -> RoleProof:
        """The value that the answer was made of."""
        return RoleProof(
            role=self.role,
            actions={level: tuple(actions) for level, actions in self.actions.items()},
            unknown=tuple(self.unknown),
            broken_promises=tuple(self.broken_promises),
            partly_denied=tuple(self.partly_denied),
            violations=tuple(self.violations),
            unproven=tuple(self.unproven),
        )


class ProofAnswer(Answer):
    """A proof: the verdict with its reasons, and every action that each role may do.

    `schema_version` is the form of what `digest` is taken over, which is all but the time.
    """

    schema_version: Literal[1]
    account_id: AccountId
    profile: Profile
    made_at: Timestamp
    catalogue_version: str
    catalogue_updated_at: Timestamp
    verdict: Verdict
    reasons: list[str]
    findings: list[str]
    digest: str
    roles: list[RoleProofAnswer]

    @classmethod
    def of(cls, proof: Proof) -> ProofAnswer:
        """The answer for a proof."""
        return cls(
            schema_version=SCHEMA,
            account_id=proof.account_id,
            profile=proof.profile,
            made_at=proof.made_at,
            catalogue_version=proof.catalogue_version,
            catalogue_updated_at=proof.catalogue_updated_at,
            verdict=proof.verdict,
            reasons=list(proof.reasons),
            findings=list(proof.findings),
            digest=proof.digest,
            roles=[RoleProofAnswer.of(role) for role in proof.roles],
        )

    def read(self) -> Proof:
        """The value that the answer was made of."""
        return Proof(
            account_id=self.account_id,
            profile=self.profile,
            made_at=self.made_at,
            catalogue_version=self.catalogue_version,
            catalogue_updated_at=self.catalogue_updated_at,
            roles=tuple(role.read() for role in self.roles),
            findings=tuple(self.findings),
        )

    @model_validator(mode="after")
    def _is_as_it_was_made(self) -> Self:
        proof = self.read()
        if (self.digest, self.verdict) != (proof.digest, proof.verdict):
            raise ValueError("is not as it was made: its digest belongs to something else")
        return self
