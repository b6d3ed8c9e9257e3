// A proxy that just started knows no routes, and the hub looks only once a minute. This asks the
// hub to look now, until it has done so; the hub may itself be starting, so for two minutes.
// Under internal_ssl it proves to the hub who it is.
"use strict";

const fs = require("node:fs");

const HUB = process.env.SWARMHUB_HUB;
const PROOF = "/run/secrets/swarmhub-proxy-client-ssl";
const secure = HUB.startsWith("https:");
const client = require(secure ? "node:https" : "node:http");
const proof = secure ? fs.readFileSync(PROOF) : undefined;
const ATTEMPTS = 240;
const PAUSE_MS = 500;
const TIMEOUT_MS = 5000;

function synced() {
  const options = {
    method: "POST",
    headers: { Authorization: `token ${process.env.CONFIGPROXY_AUTH_TOKEN}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    key: proof,
    cert: proof,
    ca: proof,
  };
  return new Promise((resolve) => {
    const request = client.request(`${HUB}/hub/api/proxy`, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode >= 200 && answer.statusCode < 300);
    });
    request.on("error", () => resolve(false));
    request.end();
  });
}

async function main() {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (await synced()) {
      process.exit(0);
    }
  }
  console.error("The hub did not take the proxy's call for its routes within two minutes: see the hub's log.");
}

main();
