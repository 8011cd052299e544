// The peer of Node: nodemailer's smtp-server with a handler that forgets, in this process until SIGTERM.
// Argument: the folder of packages that holds it.
"use strict";

const path = require("node:path");
const { SMTPServer } = require(path.join(process.argv[2], "smtp-server"));

const server = new SMTPServer({
  name: "localhost",
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  logger: false,
  size: 64 << 20,
  onData(stream, _session, done) {
    stream.on("end", done);
    stream.resume();
  },
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.server.address().port}`));
