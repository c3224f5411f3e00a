"""Messages that OpenSSL signed, with the certificates for them: made once, by none of our code.

openssl dgst -sha1 (or -sha256) -sign leaf.key <the string to sign>
"""

from __future__ import annotations

from datetime import UTC, datetime

AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:999900001111:support-hooks"
CERTIFICATE_URL = (
    "https://sns.us-east-1.amazonaws.com/"
    "SimpleNotificationService-00000000000000000000000000000000.pem"
)

ROOT = b"""\
-----BEGIN CERTIFICATE-----
MIIDHzCCAgegAwIBAgIUT8ObQzy9NJvSkKHzfPMDX0fzLSgwDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLVmVjdG9yIFJvb3QwIBcNMjYxMTI0MTcyNDE5WhgPMjEy
NjEwMzExNzI0MTlaMBYxFDASBgNVBAMMC1ZlY3RvciBSb290MIIBIjANBgkqhkiG
9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk+iLiE2/J91930Tuk+KKSUFUH2vODRaKD0tv
8Cp1BXUxbZiiDF/7QSEcIpcoIw6E3FTP1+LyW4dXqFx2/UJAAPScg6zoiTNdnQ2Q
0R1eAhRhkqMdcNPDrLxCHwo0QOSv1WBJFxYGjHETIo00ZTOjwFP3e+Cu9H2iBR1v
lNnvLcTbrZxu684nPFIEIiIOoS/JX4DMVfFtH+hiSUpf3xrEZAjRoE67AS6QMvCA
4ntTRsjqylDElgROqdKPg9z4TN0e16WicRPr9ZyLf8PtprUytVEoRB6ErhSC028G
SUDFdqxE6aS7dE3o1VAKN33X/B38i1mX0rThFbRQLdkXrIrYZwIDAQABo2MwYTAd
BgNVHQ4EFgQUIbqOoT9gRU1rbFbx0RIgbNlk/qYwHwYDVR0jBBgwFoAUIbqOoT9g
RU1rbFbx0RIgbNlk/qYwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYw
DQYJKoZIhvcNAQELBQADggEBAHJYWRJsbAAaQW4jdNiuUPS0lNQnT2f/ELHyw+DF
py1Kb7vlyL5OfhK/5xd2x9M6Oy5ETC4VnoSNEEDsxpomuVZ8aSm4gjhttJBZmyMM
9UmVKO4aGCdTxyDk6umDcUBF4baVfexgjJffiSRz+f8Pk5kF11mm1WJuZPaRC66j
KbcITx8wvu7+pFj4u0tryPPzFtV8VwDUTsnS6uyMAighJpXN1cZpOd4x+zgDxsPD
6DD0qH1zcnfkRjKdEpwuhTamWmHfFQOOFg7kV4d0xP4sHT6bsX3NXiL7Tj3sAFvi
9fdV1GKt9ni2qkBflzzjO7RoZrC0K1p5zCEb7YGtAV6BO58=
-----END CERTIFICATE-----
"""

LEAF = b"""\
-----BEGIN CERTIFICATE-----
MIIDVzCCAj+gAwIBAgIUJckzN8W6zYYDV8ajVwpjhhGKow4wDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLVmVjdG9yIFJvb3QwIBcNMjYxMTI0MTcyNDE5WhgPMjEy
NjEwMzExNzI0MTlaMBwxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMIIBIjAN
BgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Azv1WWqKBUpwCSBOjBLAEEgH3/f
BffqyAgFb3N0WfyV/bEWDJ9ZP5xcdeIJxHZt4P/p2Br8+zNdXPex7aa5pKoBb98a
AB975dYJDhpWcsv3cqz02qcclOUGpgwhlsZFzkw/wZbpGy5VC2UmCLGFOOpqLVt2
laW5OvYb+UA3LCQsnUgfmpPz51QFMRwvZVe6ZCZqoHqw1h4jrP0FQ0xt+aSLsZc+
F3siAN+IBJUZ5rON9YJ4UfASjJ8muw2OcCJ6zKDKuWVQuej3/gm+fBQLfBB0m6GE
vOgrYDcSF1pAWUfeq5GDj7C3QEVE2shlQKJ962vIh1Czu7Qne3ZbqF58nQIDAQAB
o4GUMIGRMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgWgMBMGA1UdJQQMMAoG
CCsGAQUFBwMBMBwGA1UdEQQVMBOCEXNucy5hbWF6b25hd3MuY29tMB8GA1UdIwQY
MBaAFCG6jqE/YEVNa2xW8dESIGzZZP6mMB0GA1UdDgQWBBQLQkmCA5bgmplp9YvF
usJAep6+9DANBgkqhkiG9w0BAQsFAAOCAQEAVJSzUkmwnoPgEZl7aQyBYTHjZz2z
mbrjFS46JAY4VeJZ+n9eTbPSw+6088ADrKOyZysKwrXOe390hnj59py0dz1fUMRW
g7TWVec4TtLv3lUyUHlKJE635D2OOZ4w16ui5A6XLFPsuTIfA5+wFJauOOFWNbDj
wh2w04AUgqLhiC360F6kH8Oia/VxiyRGGJ7/994b1dKuDDVjPrwRQlRFLT5+peHz
S7vEyu9v5Feeek9wl8AH4EomNH2V5ZjVmpo9KJH6FF6o65F7CN+ySVAkhwqZn/iS
fsLbfPyYeUpGtfD5BTwbKexdkyfKbpuyfQCfIULPVvbEPolA7+pichIs+Q==
-----END CERTIFICATE-----
"""

MESSAGES = {
    "with a subject": {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "AWS CloudFormation custom resource request",
        "Message": '{"a": "ü\\n"}\nsecond line',
        "Timestamp": "2026-12-01T12:00:00.000Z",
    },
    "without a subject": {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325",
        "TopicArn": TOPIC,
        "Message": "hello",
        "Timestamp": "2026-12-01T12:00:00.000Z",
    },
    "a subscription": {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe.",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "Token": "2336412f37",
        "Timestamp": "2026-12-01T12:00:00.000Z",
    },
}

SIGNATURES = {
    ("with a subject", "1"): (
        "eIWo8+l4PlTKyBOnhuPTC3UihCKhBwzJrae+9gCQwOKVc58qXvF0m8iZgLCa/XFt5ey0rjcsXU2WTe0GJ6sq"
        "o/HnqkQPKxj2CYleEmS+nV5KefPmmRhP4XD9tDwg5RVW8+kFeNoDkObSCkDtXp61pssuYBMOyJ1ik2MBO0Hx"
        "yx0BAWCU5JASzjwc5Dypwbl9Jq0+hSjuO1MT/FTcMaddM5d+sg2cW7mfOll4MBP7JKARJCn6VdYFgbUyiFtc"
        "LLOIrOvoSG9y/p8d7KhICDk8IkxYAyJSiwtECy5lGcYlMDv9kEg2i7II5AGQALjnp9cxMfk0JWFO+4ikY9PB"
        "IEH4sQ=="
    ),
    ("with a subject", "2"): (
        "0st7f38YSpFg8PT/J/l5UgUXgZ+KyzpYJFy2IpXbQ1gX8c7pAfIGDhQPPiCzq28a8Qe0HIjB4dw6ssZYsN+/"
        "hskOPh8o8Z0wXDie1LAEV4J2kHWu6at3BspTrmTmwwIOMd6U2iimen7o5B6ca/As37HUff4q815GnXZcFd3R"
        "4/tCvumf8bnq6fuBmvLbyAnsFhcNOxfoxgAiG2KiP+4NwYkQ+e8MnUE55U6EcWBF7XQ3/+qVVAR+V46jij9b"
        "gvxgJTo9SBGw65pFM3/2PCw6Zeo2e1LG9FAzZNCwyEm7ZZNUKNufbnnXU2W5st/B8BZy4oNaerUPpADNLOv4"
        "+UswUg=="
    ),
    ("without a subject", "1"): (
        "tSCaPYEdMH8SUuJM+hpReEfxJaPjfIDt16hpN0FbsIA1W3A6Mi71vE75bYgHwwzEfyvOcpgsfjh/pQaPgtKh"
        "3LKqqdjW/xI+dvyxHdZtZY9P6/XtSOzsp9StNjSTrKrK3/u+C3/HXKVChTKRWaKsQtF/QX9LM2yJ9GSNX4Ks"
        "AS94bFvc0Di8aHkmkpJiBSRKubhuREqruilP8yweSkn8jqNcOcKDFzbYOfmjR3fstywbV6AkfQYV2qrDdA1w"
        "bRYPWUcRrM5A6Kg3A3iwNNyHtvesruXT9BB8qjsbdzP4G1SvBNw0XqvfQ+wRnxNnGhq+3NltasugCETFxFt7"
        "NAtFKA=="
    ),
    ("without a subject", "2"): (
        "PKqN+TZs8z2FgG8yoKRl9J+4lBtN35c255qXUntFiVfRd7zKHea07n/c1vFhKWmM2OKSZw8vSF3ryN437S29"
        "qY1/UInZ8PugmbATHADmEA7WWzu6RCPJ1OLZY2wRypKRkdPq71Cu/w5bxel0b63W+jTsiR2g+XQem8KJ3HfX"
        "pvh6B9j+ycLRy1F0Gnb8cogQwatMWDZi2oY3VVCdVczAWc2ObpjAkpMplDAborXlOzPyLif27CA40xYXA9jj"
        "7ggIXVn05f9v+7BxIyVeAi8xlnGfZ1UBRt5orfb94BA/bJPbIKfogS2qpj7S62TwAnaSx2FenavMixg59iRf"
        "MBEW+A=="
    ),
    ("a subscription", "1"): (
        "EGbYCSvWO45he52U74NhK9jP17mRR3JXalwgZuGM6CGd5ShlE+xXlcXVSamHn759FHgdJO9d2kY/7Y0k8M5x"
        "RxQWw7R/cZRxYmgtHQexCq9ZU3H4u/F9bP5kILWhIn3HadPwHyrhC3P1dz+js5q+xqdNL4//47foLRoHMlui"
        "Nl725tO4N9VRH23AUGcMABTjvFcSYMDf1x6rdYqMDeztiZxLgG/EHz77EQakjaTKgzw0s5CWpBlo6gl66BNF"
        "TkgZT81FQU/H6+xV3Bioln/jpGTmFZyVPudYiQQQMFipMMsYqvYm+s6QWu3CoLB0FD0C5kHvyEbWLdQyoezK"
        "IsgMYw=="
    ),
    ("a subscription", "2"): (
        "j5o/VRzKuFjcxIqRy0+GU91hnV0vY4Kq5UVbV2VQW61FUPxB2sTVubkwDbmZPcJUSTsnhFhISBXgQLPPjegC"
        "DvwnpB1mKGACD0nl6dGrRKZ2NT88XpzdEm8Kii5dUXs/IB2sj/78QgeLm/XfAfwqdtWn7yrODejX9Z1OVFiO"
        "Dkr55nhyksmxhH3BDILLnk9uqdKSByWpPUKdFzZBnewwm1TVk/5Aw4pIMzDuOSpay//mzl9JmhYRmf0vMmZ9"
        "IYILSlqwaTTZuxQUXIUi7SNkdweC5tMi/W5kyEsJ8C3kyISNr6KyY5K3ptcINn2VGNQ5RKntxJcJaKY4+utS"
        "EzhK6g=="
    ),
}
