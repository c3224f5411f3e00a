"""Which services there are to narrow a session to.

IAM takes any name in a session policy: one that no service has would leave credentials that can
do nothing, and nobody would be told why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from broker.domain.identifiers import ServiceName
from broker.errors import FieldProblem, InvalidRequest


@dataclass(frozen=True, slots=True)
class KnownServices:
    """`names` gives the name of each service by the prefix of its IAM actions."""

    names: Callable[[], Mapping[str, str]]

    def require(self, services: Sequence[ServiceName]) -> None:
        """Raises InvalidRequest where IAM knows one of them not, with the one that was meant."""
        if not services:
            return
        names = self.names()
        problems = [
            FieldProblem("services", _sentence(service, names))
            for service in services
            if service not in names
        ]
        if problems:
            said = "; ".join(problem.message for problem in problems)
            raise InvalidRequest(
                f"The request does not validate. `services`: {said}.", problems=problems
            )


def _sentence(service: ServiceName, names: Mapping[str, str]) -> str:
    meant = _meant(service, names)
    suggestion = f" (perhaps {' or '.join(meant)})" if meant else ""
    return f"{service} is no prefix of IAM actions{suggestion}"


def _meant(service: ServiceName, names: Mapping[str, str]) -> Sequence[str]:
    """Prefixes that look like it, else those of services whose name has it in it."""
    plain = service.replace("-", "")
    return (
        get_close_matches(service, names, n=2, cutoff=0.75)
        or sorted((prefix for prefix, name in names.items() if plain in _plain(name)), key=len)[:2]
    )


def _plain(name: str) -> str:
    return "".join(each for each in name.lower() if each.isalnum())
