"""What moto's IAM holds, read for decisions: who has which key, and which policies bind whom.

The only module that reads moto's IAM for authorization. Policies are read anew for each
request, so a Deny that was just written reaches credentials that were given out before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User, iam_backends

from broker.sandbox.policy.evaluation import PolicyDocument, PolicyError, PolicyKind
from broker.sandbox.state.policy_delay import PolicyDelay, Texts


@dataclass(frozen=True)
class AttachedPolicies:
    """Everything that binds one IAM user or role, parsed."""

    identity: tuple[PolicyDocument, ...]
    boundary: PolicyDocument | None


@dataclass(frozen=True)
class UserKey:
    """A long-lived access key and the user whose it is."""

    user: User
    account_id: str
    secret_access_key: str = field(repr=False)


class PolicyCache:
    """Parsed policies by their text: the 1,024 used last, without lifetime.

    A policy's meaning depends on its text alone, so an entry can never be stale.
    """

    def __init__(self) -> None:
        self._load = lru_cache(maxsize=1024)(PolicyDocument.loads)

    def load(self, text: str, kind: PolicyKind) -> PolicyDocument:
        """Raises PolicyError for a malformed document."""
        return self._load(text, kind)


class IamDirectory:
    """Looks up IAM users, roles and their policies in every account."""

    def __init__(self, policies: PolicyCache, delay: PolicyDelay | None = None) -> None:
        self.policies = policies
        self.delay = delay or PolicyDelay()

    def user_key(self, access_key_id: str) -> UserKey | None:
        """The active long-lived key with this id."""
        for backend in _existing_backends():
            key = backend.access_keys.get(access_key_id)
            user = backend.users.get(key.user_name) if key and key.user_name else None
            if key is not None and user is not None and key.status == "Active":
                return UserKey(user, backend.account_id, key.secret_access_key)
        return None

    def role(self, arn: str) -> Role | None:
        """The role with this ARN, in whichever account it names."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
            return None
        backend = _backend(parts[4], parts[1])
        roles = list(backend.roles.values()) if backend else []
        return next((role for role in roles if role.arn == arn), None)

    def role_named(self, account_id: str, partition: str, name: str) -> Role | None:
        backend = _backend(account_id, partition)
        roles = list(backend.roles.values()) if backend else []
        return next((role for role in roles if role.name == name), None)

    def role_policies(self, role: Role) -> AttachedPolicies:
        """Raises PolicyError if the role carries a policy that does not parse."""
        texts = self.delay.in_force(role.id, _texts(role))
        boundary = None
        if role.permissions_boundary_arn:
            boundary = self.managed_policy(
                role.account_id, role.partition, role.permissions_boundary_arn
            )
        return AttachedPolicies(self._identity(texts), boundary)

    def note_policies(self, backend: IAMBackend, role_name: str) -> None:
        """The role's policies were changed a moment ago."""
        role = next(each for each in list(backend.roles.values()) if each.name == role_name)
        self.delay.note(role.id, _texts(role))

    def user_policies(self, user: User) -> AttachedPolicies:
        """The user's own policies and those of its groups; moto keeps no boundary for users."""
        texts = [*user.policies.values(), *_managed_texts(user)]
        for group in self._groups_of(user):
            texts += [*group.policies.values(), *_managed_texts(group)]
        return AttachedPolicies(self._identity(tuple(texts)), None)

    def managed_policy(self, account_id: str, partition: str, arn: str) -> PolicyDocument:
        """Raises PolicyError if there is no such policy."""
        backend = _backend(account_id, partition)
        policy = backend.managed_policies.get(arn) if backend else None
        if policy is None:
            raise PolicyError(f"There is no policy {arn}")
        return self.policies.load(_default_text(policy), PolicyKind.IDENTITY)

    def _identity(self, texts: Sequence[str]) -> tuple[PolicyDocument, ...]:
        return tuple(self.policies.load(text, PolicyKind.IDENTITY) for text in texts)

    def _groups_of(self, user: User) -> list[Group]:
        backend = iam_backends[user.account_id][user.arn.split(":")[1]]
        return [group for group in list(backend.groups.values()) if user in group.users]


def _existing_backends() -> Iterator[IAMBackend]:
    for account in list(iam_backends.values()):
        yield from list(account.values())


def _backend(account_id: str, partition: str) -> IAMBackend | None:
    """The IAM of an account that exists; asking about another must not bring it into being."""
    account = iam_backends.get(account_id)
    return account.get(partition) if account is not None else None


def _texts(role: Role) -> Texts:
    return (*role.policies.values(), *_managed_texts(role))


def _managed_texts(holder: Role | User | Group) -> list[str]:
    return [_default_text(policy) for policy in list(holder.managed_policies.values())]


def _default_text(policy: ManagedPolicy) -> str:
    current = policy.default_version_id
    return next(each.document for each in policy.versions if each.version_id == current)


def tags_of(role: Role) -> Mapping[str, str]:
    """The role's own tags."""
    return {tag["Key"]: tag["Value"] for tag in role.tags}
