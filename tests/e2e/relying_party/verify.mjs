// A relying party that knows an issuer and nothing else. It reads
// {issuer, token, audience, algorithms} from standard input, and prints what it makes of the token:
// {accepted: true, metadata, header, claims}, or {accepted: false, code} with jose's own code.
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { allowInsecureRequests, discovery, None } from 'openid-client';

const { issuer, token, audience, algorithms } = JSON.parse(await text(process.stdin));

// Issuers of the sandbox are on plain http, on loopback.
const found = await discovery(new URL(issuer), audience, undefined, None(), {
  execute: [allowInsecureRequests],
  timeout: 5,
});
const metadata = found.serverMetadata();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { timeoutDuration: 5000 });

const judge = async () => {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      typ: 'JWT',
      requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'jti'],
      clockTolerance: 0,
    });
    return { accepted: true, metadata, header: protectedHeader, claims: payload };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return { accepted: false, code: error.code };
  }
};

console.log(JSON.stringify(await judge()));
