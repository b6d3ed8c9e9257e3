// Loaded into the proxy before it starts: a server that speaks TLS takes up a renewed certificate
// for new connections while those that are open go on. The proxy itself reads it only once.
"use strict";

const fs = require("node:fs");
const https = require("node:https");

const FILE = process.env.SWARMHUB_TLS;
const LOOK_MS = 1000;

function renewing(server, options) {
  fs.watchFile(FILE, { interval: LOOK_MS }, () => {
    try {
      const both = fs.readFileSync(FILE);
      server.setSecureContext({ ...options, key: both, cert: both });
      console.log("The proxy has taken up a renewed certificate.");
    } catch (error) {
      console.error(`The renewed certificate is of no use, so the earlier one stays: ${error.message}`);
    }
  });
  server.on("close", () => fs.unwatchFile(FILE));
  return server;
}

const create = https.createServer;
// Who asks for certificates is the proxy's API under internal_ssl, which has one of its own.
https.createServer = (options, ...rest) =>
  options.requestCert ? create(options, ...rest) : renewing(create(options, ...rest), options);
