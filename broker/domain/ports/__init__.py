"""What use cases need of the store and of AWS, as protocols; `broker.wiring` picks the adapters.

Adapters raise `DependencyUnavailable` where they cannot be reached and `Conflict` where a record
changed since it was read. Nothing else leaves them.
"""

from broker.domain.ports.aws import (
    CheckpointBuckets,
    ConsoleSignIn,
    ManagedAccount,
    ManagementRole,
    Probe,
    Trail,
    WebIdentityExchange,
)
from broker.domain.ports.coordination import (
    Acceptance,
    AcceptanceRepository,
    Agenda,
    Begun,
    Finished,
    IdempotencyRepository,
    InProgress,
    Lease,
    LeaseRepository,
    Reused,
    StoreHealth,
    Task,
    TaskKind,
    WindowRepository,
)
from broker.domain.ports.journal import Journal, Page, Record, Save, Versioned, WrittenEntry
from broker.domain.ports.outside import CodeFlow, CurrentTickets, ProviderKeys, TicketSource
from broker.domain.ports.repositories import (
    AccountRepository,
    ApiTokenRepository,
    ApprovalLinkRepository,
    BrowserSessionRepository,
    CheckpointRepository,
    GrantRepository,
    HookRepository,
    SessionRepository,
    TicketRepository,
)

__all__ = [
    "Acceptance",
    "AcceptanceRepository",
    "AccountRepository",
    "Agenda",
    "ApiTokenRepository",
    "ApprovalLinkRepository",
    "Begun",
    "BrowserSessionRepository",
    "CheckpointBuckets",
    "CheckpointRepository",
    "CodeFlow",
    "ConsoleSignIn",
    "CurrentTickets",
    "Finished",
    "GrantRepository",
    "HookRepository",
    "IdempotencyRepository",
    "InProgress",
    "Journal",
    "Lease",
    "LeaseRepository",
    "ManagedAccount",
    "ManagementRole",
    "Page",
    "Probe",
    "ProviderKeys",
    "Record",
    "Reused",
    "Save",
    "SessionRepository",
    "StoreHealth",
    "Task",
    "TaskKind",
    "TicketRepository",
    "TicketSource",
    "Trail",
    "Versioned",
    "WebIdentityExchange",
    "WindowRepository",
    "WrittenEntry",
]
