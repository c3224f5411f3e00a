"""Sections 2 and 3: algorithms, header, and the choice of the key."""

from collections.abc import Callable

from tests.integration.sandbox.observed.cases import (
    ABSENT,
    GEN,
    KEY,
    Exchange,
    Granted,
    Refused,
    Row,
)
from tests.integration.sandbox.throwaway_tokens import (
    Jwk,
    certificate,
    ec_key,
    jwk,
    rsa_key,
)

NOT_A_JWT = (
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
)
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")


def right(**members: object) -> Jwk:
    """The key that signs RS256 tokens, under the kid they name."""
    return jwk(rsa_key(1), **{"kid": "rsa-1", "alg": "RS256", **members})


def wrong() -> Jwk:
    """Another key under the same kid."""
    return jwk(rsa_key(2), kid="rsa-1", alg="RS256")


def only(*keys: Callable[[], Jwk]) -> Callable[[], list[Jwk]]:
    """A key set of these, built when the case is played."""
    return lambda: [key() for key in keys]


def crowd() -> list[Jwk]:
    """101 RSA keys, the right one among them, and one EC key."""
    others = [jwk(rsa_key(2), kid=f"other-{number}", alg="RS256") for number in range(100)]
    return [right(), *others, jwk(ec_key("ES256"), kid="ES256", alg="ES256")]


NO_KID = {"kid": ABSENT, "typ": ABSENT}

ALGORITHMS_AND_HEADER = [
    *(
        Exchange(
            row=Row("2", "RS256, RS384, RS512, ES256, ES384, ES512"),
            variant=name,
            algorithm=name,
            outcome=Granted(),
        )
        for name in ALGORITHMS
    ),
    Exchange(
        row=Row("2", 'header `crit` = ["custom"]'),
        header={"crit": ["custom"], "custom": "value"},
        outcome=Refused(NOT_A_JWT),
    ),
    Exchange(
        row=Row("2", "typ absent"),
        variant="alg and kid",
        header={"typ": ABSENT},
        outcome=Granted(),
    ),
    Exchange(
        row=Row("2", "typ absent"),
        variant="alg only",
        header=NO_KID,
        keys=only(right),
        outcome=Granted(),
    ),
]

KEY_CHOICE = [
    Exchange(row=Row("3", "unknown kid"), header={"kid": "unknown"}, outcome=Refused(KEY)),
    Exchange(
        row=Row("3", "kid absent in header, several keys"), header=NO_KID, outcome=Refused(KEY)
    ),
    Exchange(row=Row("3", 'kid = ""'), header={"kid": ""}, outcome=Refused(KEY)),
    Exchange(
        row=Row("3", "kid absent in header, exactly one JWK (with kid)"),
        header=NO_KID,
        keys=only(right),
        outcome=Granted(),
    ),
    Exchange(
        row=Row("3", "JWK without kid (single key), header without kid"),
        header=NO_KID,
        keys=only(lambda: right(kid=None)),
        outcome=Refused(KEY),
    ),
    Exchange(
        row=Row("3", "JWK alg differs (RS512) from token alg (RS256), kid equal"),
        keys=only(lambda: right(alg="RS512")),
        outcome=Granted(),
    ),
    Exchange(row=Row("3", "use = enc"), keys=only(lambda: right(use="enc")), outcome=Refused(KEY)),
    Exchange(
        row=Row("3", "key_ops = [sign]"),
        keys=only(lambda: right(key_ops=["sign"])),
        outcome=Refused(GEN),
    ),
    Exchange(
        row=Row("3", "key_ops = [verify]"),
        keys=only(lambda: right(key_ops=["verify"])),
        outcome=Refused(GEN),
    ),
    Exchange(
        row=Row("3", "duplicate kid, identical keys"), keys=only(right, right), outcome=Granted()
    ),
    Exchange(
        row=Row("3", "duplicate kid, wrong first, right last"),
        keys=only(wrong, right),
        outcome=Granted(),
    ),
    Exchange(
        row=Row("3", "duplicate kid, right first, wrong last"),
        keys=only(right, wrong),
        outcome=Refused(GEN),
    ),
    Exchange(
        row=Row("3", "x5c matching n/e"),
        keys=only(lambda: right(x5c=[certificate(rsa_key(1))])),
        outcome=Granted(),
    ),
    Exchange(
        row=Row("3", "x5c only (no n,e; no alg,use)"),
        keys=only(lambda: right(x5c=[certificate(rsa_key(1))], n=None, e=None, alg=None, use=None)),
        outcome=Refused(KEY),
    ),
    Exchange(
        row=Row("3", "x5c conflicts with n"),
        keys=only(lambda: {**wrong(), "x5c": [certificate(rsa_key(1))]}),
        outcome=Refused(KEY),
    ),
    Exchange(row=Row("3", "101 RSA keys + 1 EC, RS256 token"), keys=crowd, outcome=Refused(KEY)),
    Exchange(
        row=Row("3", "same JWKS, ES256 token"), algorithm="ES256", keys=crowd, outcome=Granted()
    ),
]
