// Reads {"secret", "headers", "body"} as JSON from standard input and prints the event that the
// library of Standard Webhooks made of it, or fails with what it says.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
