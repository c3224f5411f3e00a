"""The sandbox's stand-in for an organisation's OpenID provider: people sign in with one click.

No password is asked for and nobody is told apart: whoever reaches the loopback address may be
anybody. What a client sees is real OpenID Connect, by Authlib's server side: discovery, a JWKS
with a key of its own at each start, authorization code with PKCE (S256 only, for every client),
device authorization (RFC 8628), `iss` in authorization responses (RFC 9207), refresh tokens that
are rotated, revocation (RFC 7009) and userinfo.

It exists once `PUT /_sandbox/people` has said who the people and the clients are. Everything is in
memory; another PUT begins anew, with another key.

Strict
    - A code is redeemed once, by whom it was made for: the second attempt ends what the first got.
    - So it is with refresh tokens: one that was used before ends all that descend from its sign-in.
    - Redirects are compared as strings. Of a public client's loopback redirect only the port is
      free (RFC 8252, section 7.3), and only at 127.0.0.1.
    - A device that asks again too soon is told to slow down, and must from then on.
    - A scope that the provider does not know is refused, and so is a request without `openid`.

Clock
    Codes, forms and tokens age by the sandbox's clock. Identity tokens carry the machine's time,
    as those who verify them have it.
"""
