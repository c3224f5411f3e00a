"""How far and how long a request may go, whatever the other side does."""

from __future__ import annotations

from ipaddress import ip_address
from time import monotonic

import pytest

from broker.http import outbound
from broker.http.outbound import (
    AddressFault,
    AddressRefused,
    Destination,
    Outbound,
    OutboundFailed,
    Reach,
)
from tests.unit.http.dripping import DROP_BY_DROP, dripping

LIMIT = 0.6


@DROP_BY_DROP
def test_whoever_answers_drop_by_drop_is_cut_off(
    scheme: str, beginning: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read succeeds in time, and yet all of it together does not last."""
    monkeypatch.setattr(outbound, "ALTOGETHER_SECONDS", LIMIT)
    with dripping(beginning, drop=drop) as port:
        to = Destination(
            scheme=scheme, host="127.0.0.1", port=port, target="/", reach=Reach.LOOPBACK
        )
        begun = monotonic()
        with pytest.raises(OutboundFailed):
            Outbound(endpoint_url=None).send("POST", to, largest=100_000)
        assert LIMIT <= monotonic() - begun < 4 * LIMIT


OWN = ["10.0.0.1", "192.168.1.1", "127.0.0.1", "fd12::1", "52.216.1.1"]
NEVER = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "192.0.0.192",
    "fe80::1",
    "224.0.0.1",
]


@pytest.mark.parametrize("address", OWN)
def test_networks_of_our_own(address: str) -> None:
    """Where the operator says so, a receiver may stand beside the broker."""
    assert Reach.OWN_NETWORKS.includes(ip_address(address))


@pytest.mark.parametrize("address", NEVER)
def test_what_no_reach_includes(address: str) -> None:
    """Whoever reaches the metadata of an instance reads its credentials there."""
    assert not any(reach.includes(ip_address(address)) for reach in Reach)


WITHIN = {
    Reach.INTERNET: "52.216.1.1",
    Reach.LOOPBACK: "127.0.0.1",
    Reach.OWN_NETWORKS: "10.0.0.1",
}


@pytest.mark.parametrize(
    ("reach", "address", "fault"),
    [
        (Reach.INTERNET, "10.0.0.1", AddressFault.NOT_PUBLIC),
        (Reach.LOOPBACK, "52.216.1.1", AddressFault.OUT_OF_REACH),
        (Reach.OWN_NETWORKS, "169.254.169.254", AddressFault.OUT_OF_REACH),
    ],
)
def test_a_name_that_leads_beyond_its_reach(
    reach: Reach, address: str, fault: AddressFault
) -> None:
    """Nothing is connected to, even where another of its addresses would do."""
    found = [ip_address(WITHIN[reach]), ip_address(address)]
    out = Outbound(endpoint_url=None, resolve=lambda *_: found)
    with pytest.raises(AddressRefused) as refused:
        out.send("POST", Destination(host="a.example", target="/", reach=reach), largest=10)
    assert refused.value.fault is fault
