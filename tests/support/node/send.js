// Sends mail with nodemailer. Arguments: the folder of packages, and as JSON: port, the transport's options, messages.
// Prints the server's answer to each message, a line each, in their order; ends with 1 and the error's code otherwise.
"use strict";

const path = require("node:path");
const [, , modules, given] = process.argv;
const nodemailer = require(path.join(modules, "nodemailer"));
const { port, options, messages } = JSON.parse(given);

const transport = nodemailer.createTransport({ host: "127.0.0.1", port, ...options });
Promise.all(messages.map((message) => transport.sendMail(message)))
  .then((sent) => sent.forEach(({ response }) => console.log(response)))
  .catch((error) => {
    console.error(error.code, error.response ?? error.message);
    process.exitCode = 1;
  })
  .finally(() => transport.close());
