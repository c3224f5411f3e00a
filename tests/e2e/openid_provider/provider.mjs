// The organisation's OpenID provider: oidc-provider with people, groups and clients of the tests.
//
// Reads one JSON object from standard input: {port, jwks, clients, people, id_token_seconds}.
// `people` are claims by login name; any password is right. Writes one line when it listens, and
// ends with its input.

import Provider from "oidc-provider";

const started = await new Promise((resolve) => {
  let text = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (part) => {
    text += part;
    if (text.endsWith("\n")) resolve(JSON.parse(text));
  });
  process.stdin.on("end", () => process.exit(0));
});

const provider = new Provider(`http://127.0.0.1:${started.port}`, {
  clients: started.clients,
  jwks: started.jwks,
  enabledJWA: {
    idTokenSigningAlgValues: ["RS256", "PS256", "ES256"],
  },
  claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
  // Claims of scopes stand in the ID token itself, as with most organisations' providers.
  conformIdTokenClaims: false,
  cookies: { keys: ["a throwaway key for the tests"] },
  features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
  ttl: { IdToken: started.id_token_seconds, DeviceCode: 600, AuthorizationCode: 60 },
  findAccount: (_ctx, login) =>
    started.people[login] && {
      accountId: login,
      claims: () => ({ sub: login, ...started.people[login] }),
    },
});

provider.listen(started.port, "127.0.0.1", () => process.stdout.write("listening\n"));
