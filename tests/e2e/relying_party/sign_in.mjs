// A relying party that signs people in: openid-client, at a provider of which it knows the issuer.
// The first line of standard input is {issuer, client, secret, redirect, scope, flow}. With the flow
// "code" it prints where to send somebody, and reads where they came back to; with "device" it
// prints the address that a terminal would show. The last line that it prints is what it was told:
// {claims, refreshed, userinfo}.
import { createInterface } from 'node:readline/promises';
import * as oidc from 'openid-client';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => (await lines.next()).value;
const say = (value) => console.log(JSON.stringify(value));

const { issuer, client, secret, redirect, scope, flow } = JSON.parse(await read());
const shown = secret ? oidc.ClientSecretBasic(secret) : oidc.None();
// Providers of the sandbox are on plain http, on loopback.
const config = await oidc.discovery(new URL(issuer), client, secret ?? undefined, shown, {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
});

const byCode = async () => {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  say({ url: url.href });
  const back = new URL(await read());
  return oidc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  });
};

const byDevice = async () => {
  const codes = await oidc.initiateDeviceAuthorization(config, { scope });
  say({ url: codes.verification_uri_complete });
  return oidc.pollDeviceAuthorizationGrant(config, codes);
};

const tokens = await (flow === 'device' ? byDevice() : byCode());
const claims = tokens.claims();
const refreshed = tokens.refresh_token
  ? (await oidc.refreshTokenGrant(config, tokens.refresh_token)).claims()
  : null;
say({
  claims,
  refreshed,
  userinfo: await oidc.fetchUserInfo(config, tokens.access_token, claims.sub),
});
process.exit(0);
