"""What a message must prove before it is believed: each part spoilt once, and each refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from broker.aws.sns_certificates import FETCHES_A_MINUTE, KEPT_FOR, SigningCertificates
from broker.aws.sns_messages import VerifiedSnsMessages
from broker.domain.hooks.sns import MessageFault, MessageKind, MessageRefused, TopicArn
from broker.errors import DependencyUnavailable
from broker.http.outbound import Answer, Destination, OutboundFailed
from tests.unit.aws import sns_vectors as vectors
from tests.unit.aws.authorities import NOW, Issued, authority, leaf

TOPIC = TopicArn.parse(vectors.TOPIC)
ROOT = authority("root")
INTERMEDIATE = authority("intermediate", ROOT)
ISSUER_AT = "http://crt.r2m01.amazontrust.com/r2m01.cer"
SNS = leaf(INTERMEDIATE, "sns.amazonaws.com", issuer_at=ISSUER_AT)
URL = vectors.CERTIFICATE_URL


class Site:
    """What is fetched, from memory; notes what was asked for."""

    def __init__(self, files: Mapping[str, bytes | int | Exception]) -> None:
        self.files = dict(files)
        self.asked: list[str] = []

    def send(self, method: str, to: Destination, *, largest: int) -> Answer:
        assert method == "GET"
        url = f"{to.scheme}://{to.host}{to.target}"
        self.asked.append(url)
        found = self.files.get(url, 404)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            return Answer(found, b"")
        assert len(found) <= largest
        return Answer(200, found)


class World:
    """A verifier with its site and its clock."""

    def __init__(
        self, site: Site, anchor: x509.Certificate = ROOT.certificate, now: datetime = NOW
    ) -> None:
        self.site = site
        self.now = now
        self.verifier = VerifiedSnsMessages(
            topics=[TOPIC],
            certificates=SigningCertificates(
                anchors=[anchor], regions=[TOPIC.region], outbound=site
            ),
            clock=lambda: self.now,
        )

    def verify(self, message: object) -> Any:
        return self.verifier.verify(json.dumps(message).encode())

    def fault(self, message: object) -> MessageFault:
        with pytest.raises(MessageRefused) as refused:
            self.verify(message)
        return refused.value.fault


def a_world(issued: Issued = SNS, **files: Any) -> World:
    return World(Site({URL: issued.pem, ISSUER_AT: INTERMEDIATE.der, **files}))


SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


def a_message(issued: Issued = SNS, **changes: str) -> dict[str, str]:
    """A signed notification; what is changed is signed too."""
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": "hello",
        "Timestamp": "2026-03-01T12:00:00.000Z",
        **changes,
    }
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED if name in message)
    signature = issued.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {
        "SignatureVersion": "2",
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": URL,
        **message,
    }


@pytest.mark.parametrize(("name", "version"), vectors.SIGNATURES)
def test_what_openssl_signed_is_believed(name: str, version: str) -> None:
    """Both versions of signatures, over messages with and without a subject, and subscriptions."""
    anchor = x509.load_pem_x509_certificate(vectors.ROOT)
    world = World(Site({URL: vectors.LEAF}), anchor, vectors.AT)
    sent = {
        **vectors.MESSAGES[name],
        "SignatureVersion": version,
        "Signature": vectors.SIGNATURES[name, version],
        "SigningCertURL": URL,
    }
    message = world.verify(sent)
    assert message.text == sent["Message"]
    assert message.kind == sent["Type"]
    assert message.topic == TOPIC
    assert message.token == sent.get("Token")


@pytest.mark.parametrize("member", ["Message", "MessageId", "Subject", "Timestamp", "Type"])
def test_every_signed_member_counts(member: str) -> None:
    """A changed one no longer fits the signature; so does a subject that was added or taken."""
    spoilt = a_message(Subject="subject")
    other = {
        "Timestamp": "2026-03-01T12:00:00.001Z",
        "Type": "SubscriptionConfirmation",
    }.get(member, "other")
    spoilt |= {member: other, "Token": "t", "SubscribeURL": "https://x"}
    assert a_world().fault(spoilt) is MessageFault.SIGNATURE


def test_a_subject_that_was_taken_away_or_added_is_noticed() -> None:
    """It is signed only where there is one, so its absence is signed too."""
    with_subject = a_message(Subject="subject")
    without = {name: value for name, value in with_subject.items() if name != "Subject"}
    assert a_world().fault(without) is MessageFault.SIGNATURE
    assert a_world().fault({**a_message(), "Subject": "added"}) is MessageFault.SIGNATURE


@pytest.mark.parametrize(
    "spoilt",
    [
        {"Signature": base64.b64encode(b"\0" * 256).decode()},
        {"Signature": "no base64!"},
        {"Signature": ""},
        {"SignatureVersion": "3"},
        {"SignatureVersion": "1"},
    ],
)
def test_another_signature(spoilt: dict[str, str]) -> None:
    """Nothing but the certificate's own signature of a known version."""
    assert a_world().fault(a_message() | spoilt) is MessageFault.SIGNATURE


def test_a_signature_by_somebody_else() -> None:
    """A key of another certificate, even of the same issuer."""
    other = leaf(INTERMEDIATE, "other.example", common_name="other")
    assert a_world().fault(a_message(other)) is MessageFault.SIGNATURE


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:us-east-1:999900001111:support-hooks-2",
        "arn:aws:sns:us-east-1:111122223333:support-hooks",
        "arn:aws:sns:eu-west-1:999900001111:support-hooks",
    ],
)
def test_another_topic(topic: str) -> None:
    """Well signed, as anybody's own topic is; nothing is fetched for it."""
    world = a_world()
    assert world.fault(a_message(TopicArn=topic)) is MessageFault.OTHER_TOPIC
    assert world.site.asked == []


@pytest.mark.parametrize(
    "at", ["2026-03-01T10:59:59.999Z", "2026-03-01T12:05:00.001Z", "2025-03-01T12:00:00.000Z"]
)
def test_a_replay(at: str) -> None:
    """Older than an hour, or dated ahead of us."""
    assert a_world().fault(a_message(Timestamp=at)) is MessageFault.STALE


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https:", "http:"),
        URL.replace("sns.us-east-1.amazonaws.com", "sns.eu-west-1.amazonaws.com"),
        URL.replace("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com.evil.example"),
        URL.replace("sns.us-east-1.amazonaws.com", "evil.example"),
        URL.replace("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com@evil.example"),
        URL.replace("sns.us-east-1.amazonaws.com", "evil.example#sns.us-east-1.amazonaws.com"),
        URL.replace("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com:8443"),
        URL.replace("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com."),
        URL.replace("sns.us-east-1", "s3"),
        URL.replace("SimpleNotificationService-", "bucket/SimpleNotificationService-"),
        URL.replace("SimpleNotificationService-", "../SimpleNotificationService-"),
        URL.replace(".pem", ".pem?x=1"),
        URL.replace(".pem", ".txt"),
        "https://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_certificate_from_elsewhere(url: str) -> None:
    """Only SNS of the topic's Region, only its certificates; nothing else is ever asked."""
    world = a_world()
    assert world.fault(a_message() | {"SigningCertURL": url}) is MessageFault.CERTIFICATE_ADDRESS
    assert world.site.asked == []


UNTRUSTED = {
    "of an unknown root": leaf(authority("stranger"), "sns.amazonaws.com"),
    "for another name": leaf(ROOT, "sqs.amazonaws.com"),
    "for a name that only begins so": leaf(ROOT, "sns.amazonaws.com.evil.example"),
    "for all names": leaf(ROOT, "*.amazonaws.com"),
    "without names": leaf(ROOT),
    "over": leaf(
        ROOT, "sns.amazonaws.com", valid=(NOW - timedelta(days=9), NOW - timedelta(days=1))
    ),
    "not yet valid": leaf(
        ROOT, "sns.amazonaws.com", valid=(NOW + timedelta(days=1), NOW + timedelta(days=9))
    ),
    "of an issuer that is nowhere": leaf(INTERMEDIATE, "sns.amazonaws.com"),
    "of an issuer at a stranger's": leaf(
        INTERMEDIATE, "sns.amazonaws.com", issuer_at="http://evil.example/r2m01.cer"
    ),
    "of an issuer that is somebody else": leaf(
        authority("impostor", ROOT), "sns.amazonaws.com", issuer_at=ISSUER_AT
    ),
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_certificate_that_is_not_to_be_trusted(name: str) -> None:
    """Served by SNS itself, and yet not one that a trusted root issued to SNS, valid now."""
    issued = UNTRUSTED[name]
    assert a_world(issued).fault(a_message(issued)) is MessageFault.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize("content", [b"", b"no certificate", 404, 403, 302])
def test_no_certificate_at_all(content: bytes | int) -> None:
    """A path that was made up, or something else in its place; a redirect is not followed."""
    world = a_world(**{URL: content})
    assert world.fault(a_message()) is MessageFault.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize("content", [500, 503, OutboundFailed("ConnectTimeout")])
def test_sns_is_out_of_reach(content: int | Exception) -> None:
    """No verdict: SNS is asked to deliver again."""
    with pytest.raises(DependencyUnavailable):
        a_world(**{URL: content}).verify(a_message())


def test_a_whole_chain_in_the_file_is_enough() -> None:
    """Where the issuer comes along, nothing else is fetched."""
    world = a_world(**{URL: SNS.pem + INTERMEDIATE.pem})
    assert world.verify(a_message()).text == "hello"
    assert world.site.asked == [URL]


@pytest.mark.parametrize(
    ("region", "suffix", "name"),
    [
        ("us-east-1", "amazonaws.com", "sns.us-east-1.amazonaws.com"),
        ("af-south-1", "amazonaws.com", "sns-signing.af-south-1.amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn"),
        ("us-gov-east-1", "amazonaws.com", "sns-us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "amazonaws.eu", "sns.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_names_of_other_regions(region: str, suffix: str, name: str) -> None:
    """Each Region's certificate has a name of its own there, and none of another's."""
    url = URL.replace("us-east-1.amazonaws.com", f"{region}.{suffix}")
    issued = leaf(ROOT, name)
    certificates = SigningCertificates(
        anchors=[ROOT.certificate],
        regions=[region, "us-east-1"],
        outbound=Site({url: issued.pem, URL: issued.pem}),
    )
    assert certificates.key_at(url, region=region, now=NOW) == issued.certificate.public_key()
    if region != "us-east-1":
        with pytest.raises(MessageRefused):
            certificates.key_at(URL, region="us-east-1", now=NOW)


def test_a_certificate_is_fetched_once_an_hour() -> None:
    """And not kept past its own end."""
    world = a_world()
    world.verify(a_message())
    world.verify(a_message())
    assert world.site.asked == [URL, ISSUER_AT]
    world.now += KEPT_FOR
    world.verify(a_message(Timestamp="2026-03-01T12:30:00.000Z"))
    assert world.site.asked == [URL, ISSUER_AT] * 2


def test_a_flood_of_made_up_certificates_keeps_no_real_message_out() -> None:
    """A certificate that was proved is believed until its end, where it cannot be fetched anew."""
    world = a_world()
    world.verify(a_message())
    world.now += KEPT_FOR
    late = a_message(Timestamp="2026-03-01T13:00:00.000Z")
    for number in range(FETCHES_A_MINUTE):
        made_up = URL.replace("0" * 32, f"{number + 1:032x}")
        world.fault(late | {"SigningCertURL": made_up})
    assert world.verify(late).text == "hello"
    world.now = SNS.certificate.not_valid_after_utc
    world.site.files[URL] = OutboundFailed("ConnectTimeout")
    at = world.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with pytest.raises(DependencyUnavailable):
        world.verify(a_message(Timestamp=at))


def test_a_flood_of_made_up_certificates_is_not_followed() -> None:
    """However many are named, only so many are asked for."""
    world = a_world()
    for number in range(FETCHES_A_MINUTE):
        made_up = URL.replace("0" * 32, f"{number:032x}1"[1:])
        assert world.fault(a_message() | {"SigningCertURL": made_up}) is (
            MessageFault.CERTIFICATE_UNTRUSTED
        )
    with pytest.raises(DependencyUnavailable):
        world.verify(a_message())
    assert len(world.site.asked) == FETCHES_A_MINUTE
    world.now += timedelta(minutes=1)
    assert world.verify(a_message()).kind is MessageKind.NOTIFICATION


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "text",
        {},
        {**a_message(), "Type": "Other"},
        {**a_message(), "TopicArn": "topic"},
        {**a_message(), "Timestamp": "yesterday"},
        {**a_message(), "Timestamp": "2026-03-01T12:00:00"},
        {**a_message(), "Message": {"a": 1}},
        {**a_message(), "SigningCertURL": None},
        {**a_message(), "Type": "SubscriptionConfirmation"},
        {**a_message(), "Type": "UnsubscribeConfirmation", "Token": "t"},
    ],
)
def test_what_sns_does_not_send(message: object) -> None:
    """Refused before anything is asked of anybody."""
    world = a_world()
    assert world.fault(message) is MessageFault.MALFORMED
    assert world.site.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"Type": "\\ud800"}'])
def test_what_is_not_even_json(body: bytes) -> None:
    """Refused too, and never an error of another kind."""
    with pytest.raises(MessageRefused) as refused:
        a_world().verifier.verify(body)
    assert refused.value.fault is MessageFault.MALFORMED
