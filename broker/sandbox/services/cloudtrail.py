"""LookupEvents, which moto does not have."""

from __future__ import annotations

import json

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

from broker.sandbox.gate.enforcement import ADMITTED, Admission
from broker.sandbox.trail.history import EventHistory, LookUpRefusedError


def install(history: EventHistory) -> None:
    """Let moto's CloudTrail answer LookupEvents from `history`, in this process."""

    def lookup_events(self: CloudTrailResponse) -> str:
        admission = self.normalized_request.environ[ADMITTED]
        assert isinstance(admission, Admission)  # noqa: S101  (nothing comes here but by the gate)
        operation = admission.operation
        place = (operation.account_id, operation.region)
        try:
            return json.dumps(history.look_up(place, operation.parameters))
        except LookUpRefusedError as refused:
            raise JsonRESTError(refused.code, refused.text) from refused

    CloudTrailResponse.lookup_events = lookup_events  # type: ignore[attr-defined]
