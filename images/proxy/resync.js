// A proxy that just started knows no routes, and the hub looks only once a minute. This asks the
// hub to look now, until it has done so; the hub may itself be starting, so for two minutes.
"use strict";

const HUB = "http://hub:8081/hub/api/proxy";
const ATTEMPTS = 240;
const PAUSE_MS = 500;
const TIMEOUT_MS = 5000;

async function synced() {
  try {
    const answer = await fetch(HUB, {
      method: "POST",
      headers: { Authorization: `token ${process.env.CONFIGPROXY_AUTH_TOKEN}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

async function main() {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (await synced()) {
      return;
    }
  }
  console.error("The hub did not take the proxy's call for its routes within two minutes: see the hub's log.");
}

main();
