"""Section 4: claims and times."""

from tests.integration.sandbox.observed.cases import (
    ABSENT,
    AZP,
    GEN,
    TIME,
    Ahead,
    Exchange,
    Form,
    Granted,
    Refused,
    Row,
)

EXPIRED = Refused(
    "Token expired: current date/time {past} must be before the expiration date/time {exp}",
    code="ExpiredTokenException",
)
NOT_YET = Refused(
    "Token not yet valid: current date/time {future} must be after or equal to "
    "the not-before date/time {nbf}"
)
CLIENT_A = Granted({"Audience": "client-a"})
CLIENT_B = Granted({"Audience": "client-b"})

SUBJECTS_AND_AUDIENCES = [
    *(
        Exchange(
            row=Row("4", "missing iss / sub / aud / iat / exp"),
            variant=name,
            claims={name: ABSENT},
            outcome=Refused(f"Missing a required claim: {name}"),
        )
        for name in ("iss", "sub", "aud", "iat", "exp")
    ),
    *(
        Exchange(
            row=Row("4", 'sub = "" , "a" , 300 chars'),
            variant=f"{len(subject)} characters",
            claims={"sub": subject},
            outcome=Granted({"SubjectFromWebIdentityToken": subject}),
        )
        for subject in ("", "a", "a" * 300)
    ),
    Exchange(
        row=Row("4", "sub = 123 (number)"),
        claims={"sub": 123},
        outcome=Granted({"SubjectFromWebIdentityToken": "123"}),
    ),
    Exchange(
        row=Row("4", "sub = null"),
        claims={"sub": None},
        outcome=Refused(
            "Unknown error validating third-party token", code="InternalFailure", status=500
        ),
    ),
    Exchange(row=Row("4", 'aud = ""'), claims={"aud": ""}, outcome=Refused(GEN)),
    Exchange(row=Row("4", "aud = [client-a]"), claims={"aud": ["client-a"]}, outcome=CLIENT_A),
    *(
        Exchange(
            row=Row("4", "aud = [client-a, other]; [other, client-a]; [client-b, client-a]"),
            variant=" ".join(audiences),
            claims={"aud": audiences},
            outcome=Refused(AZP),
        )
        for audiences in (["client-a", "other"], ["other", "client-a"], ["client-b", "client-a"])
    ),
    Exchange(
        row=Row("4", "aud = []"),
        claims={"aud": []},
        outcome=Refused("Claim is not allowed to be empty: aud"),
    ),
    Exchange(
        row=Row("4", "aud = other, azp = client-b"),
        claims={"aud": "other", "azp": "client-b"},
        outcome=CLIENT_B,
    ),
    Exchange(
        row=Row("4", "aud = [other, client-a], azp = client-b"),
        claims={"aud": ["other", "client-a"], "azp": "client-b"},
        outcome=CLIENT_B,
    ),
    Exchange(
        row=Row("4", "aud = client-a, azp = other"), claims={"azp": "other"}, outcome=Refused(GEN)
    ),
    Exchange(row=Row("4", 'aud = client-a, azp = ""'), claims={"azp": ""}, outcome=Refused(GEN)),
    Exchange(
        row=Row("4", "unregistered audience"),
        repeated=("aud", "other"),
        outcome=Refused(GEN),
    ),
    Exchange(
        row=Row("4", "duplicate member, same value"),
        repeated=("aud", "client-a"),
        outcome=CLIENT_A,
    ),
]

TIMES = [
    Exchange(
        row=Row("4", "exp in past by 23 s (`expired-1`)"),
        claims={"exp": Ahead(-23)},
        outcome=Granted(),
    ),
    Exchange(
        row=Row("4", "exp in past by 324 s (`expired-301`)"),
        claims={"exp": Ahead(-324)},
        outcome=EXPIRED,
    ),
    Exchange(
        row=Row("4", "iat +276 s (`iat-future-301`; sent 24 s later)"),
        claims={"iat": Ahead(276)},
        outcome=Granted(),
    ),
    Exchange(
        row=Row("4", "iat +3573 s"),
        claims={"iat": Ahead(3573)},
        outcome=Refused("Token issued in the future: {iat}"),
    ),
    Exchange(row=Row("4", "nbf +275 s"), claims={"nbf": Ahead(275)}, outcome=Granted()),
    Exchange(row=Row("4", "nbf +3573 s"), claims={"nbf": Ahead(3573)}, outcome=NOT_YET),
    Exchange(row=Row("4", "nbf absent"), claims={"nbf": ABSENT}, outcome=Granted()),
    *(
        Exchange(
            row=Row("4", "iat, exp or nbf as digit string"),
            variant=name,
            claims={name: Ahead(60, Form.DIGITS)},
            outcome=Granted(),
        )
        for name in ("iat", "exp", "nbf")
    ),
    Exchange(row=Row("4", 'nbf = "invalid"'), claims={"nbf": "invalid"}, outcome=Refused(TIME)),
    Exchange(row=Row("4", "iat null"), claims={"iat": None}, outcome=Refused(TIME)),
    *(
        Exchange(
            row=Row("4", "iat or exp fractional number (x.5)"),
            variant=name,
            claims={name: Ahead(60, Form.FRACTION)},
            outcome=Refused(TIME),
        )
        for name in ("iat", "exp")
    ),
    Exchange(
        row=Row("4", "exp 60 s ahead, DurationSeconds 7200"),
        claims={"exp": Ahead(60)},
        parameters={"DurationSeconds": 7200},
        outcome=Granted(duration=7200),
    ),
]
