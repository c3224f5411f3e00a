"""Both sides of a comparison do the same work."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import bare_issuer, bare_session
from benchmarks.samples import ACCOUNT_ID, SUBJECT
from broker.domain.claims import identity_claims
from broker.services.ambient import utc_now

MADE_EACH_TIME = {"jti", "iat", "nbf", "exp"}


class Aws:
    """The two calls that a session makes, as a boto3 client of either service."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.exchanged: list[dict[str, object]] = []

    def client(self, _service, **_):
        return self

    def sign(self, *, Message, **_):  # noqa: N803 - boto3's
        return {"Signature": self.key.sign(Message, ec.ECDSA(hashes.SHA256()))}

    def assume_role_with_web_identity(self, **arguments):
        self.exchanged.append(arguments)


@pytest.fixture
def aws(monkeypatch):
    aws = Aws()
    monkeypatch.setattr(bare_session.boto3, "Session", lambda **_: aws)
    return aws


def test_the_bare_script_presents_the_claims_that_the_broker_does(aws):
    open_session = bare_session.bare_session(
        endpoint_url="http://127.0.0.1:1",
        key_id="key",
        kid="kid",
        issuer=SUBJECT.issuer,
        account_id=ACCOUNT_ID,
        role_arn=SUBJECT.role_arn,
    )
    open_session()
    (exchanged,) = aws.exchanged
    claims = jwt.decode(
        exchanged["WebIdentityToken"],
        aws.key.public_key(),
        algorithms=["ES256"],
        audience="sts.amazonaws.com",
    )
    ours = json.loads(json.dumps(identity_claims(SUBJECT, now=utc_now())))
    session_id = claims["https://aws.amazon.com/tags"]["principal_tags"].pop("Session")
    del ours["https://aws.amazon.com/tags"]["principal_tags"]["Session"]
    assert session_id[0].startswith("s-")
    assert claims.keys() == ours.keys()
    assert {name: claims[name] for name in claims.keys() - MADE_EACH_TIME} == {
        name: ours[name] for name in ours.keys() - MADE_EACH_TIME
    }
    assert exchanged["RoleArn"] == SUBJECT.role_arn


def test_the_bare_issuer_answers_what_it_was_given(tmp_path):
    file = tmp_path / "answers.json"
    answer = {"path": "/a", "headers": [["ETag", '"1"'], ["Content-Length", "2"]], "body": "{}"}
    file.write_text(json.dumps([answer]), "utf-8")
    started = []
    body = bare_issuer.serving(str(file))({"PATH_INFO": "/a"}, lambda *given: started.append(given))
    assert b"".join(body) == b"{}"
    assert started == [("200 OK", [("ETag", '"1"'), ("Content-Length", "2")])]
