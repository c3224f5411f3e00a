"""AWS Support's list of severities, which moto leaves out."""

from __future__ import annotations

import json

from moto.support.responses import SupportResponse

_SEVERITIES = {
    "low": "General guidance",
    "normal": "System impaired",
    "high": "Production system impaired",
    "urgent": "Production system down",
}
"""Source: AWS Support API Reference, SeverityLevel; codes of a Business plan and their names."""


def install() -> None:
    """Add DescribeSeverityLevels to moto, in this process."""
    SupportResponse.describe_severity_levels = _describe_severity_levels  # type: ignore[attr-defined]


def _describe_severity_levels(_: SupportResponse) -> str:
    levels = [{"code": code, "name": name} for code, name in _SEVERITIES.items()]
    return json.dumps({"severityLevels": levels})
