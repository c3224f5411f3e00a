"""The story of the demo: its chapters in order, each of them in a module with its subject."""

from broker.cli.demo.chapters import (
    approval,
    engineer,
    issuer,
    leaving,
    ledger,
    onboarding,
    people,
    requests,
    tokens,
)
from broker.cli.demo.story import Chapter

STORY = (
    Chapter("Two customers are onboarded", onboarding.steps),
    Chapter("Each has an issuer of its own, where AWS fetches the keys", issuer.steps),
    Chapter("People sign in, at the provider that the sandbox stands in for", people.steps),
    Chapter("An engineer works on the ticket, with the real AWS CLI", engineer.reading),
    Chapter("A session can be narrowed, and there is one for support cases", engineer.narrower),
    Chapter("AWS itself refuses what was not minted for this ticket and role", tokens.steps),
    Chapter("The broker refuses who has no reason to be there", requests.steps),
    Chapter("A customer who is asked each time, and a ticket that ends", approval.steps),
    Chapter("A customer who leaves keeps nothing of ours", leaving.steps),
    Chapter("Everything stands in the ledger", ledger.steps),
)
