// Says who AWS takes us for, one line a call, until standard input ends: each line of it is one call.
// Usage: node callers.mjs PROVIDER [PROFILE], where PROVIDER is process, ini, http, container or chain.
import { createInterface } from "node:readline";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import {
  fromContainerMetadata,
  fromHttp,
  fromIni,
  fromNodeProviderChain,
  fromProcess,
} from "@aws-sdk/credential-providers";

const [name, profile] = process.argv.slice(2);
// Machines that run tests are busy: the SDK waits a second, once.
const patient = { timeout: 10_000, maxRetries: 5 };
const providers = {
  process: () => fromProcess({ profile }),
  ini: () => fromIni({ profile }),
  http: () => fromHttp(patient),
  container: () => fromContainerMetadata(patient),
  chain: () => fromNodeProviderChain(),
};
const client = new STSClient({ credentials: providers[name](), maxAttempts: 1 });

for await (const _ of createInterface({ input: process.stdin })) {
  try {
    const answer = await client.send(new GetCallerIdentityCommand({}));
    console.log(answer.Arn);
  } catch (error) {
    console.log(`${error.name}: ${error.message} ${error.Message ?? ""} ${error.Code ?? ""}`.replaceAll("\n", " "));
  }
}
