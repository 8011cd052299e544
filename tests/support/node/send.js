// Sends mail with nodemailer. Argument: the folder of packages. Standard input, as JSON: port, the transport's options,
// messages.
// Prints the server's answer to each message, a line each, in their order; ends with 1 and the error's code otherwise.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const nodemailer = require(path.join(process.argv[2], "nodemailer"));
const { port, options, messages } = JSON.parse(fs.readFileSync(0, "utf8"));

const transport = nodemailer.createTransport({ host: "127.0.0.1", port, ...options });
Promise.all(messages.map((message) => transport.sendMail(message)))
  .then((sent) => sent.forEach(({ response }) => console.log(response)))
  .catch((error) => {
    console.error(error.code, error.response ?? error.message);
    process.exitCode = 1;
  })
  .finally(() => transport.close());
