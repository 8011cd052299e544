"use strict";
const at = (id) => document.getElementById(id);
const rows = document.querySelector("#list tbody");
let next = null;

async function ask(path, accept) {
  const answer = await fetch(path, {
    headers: { Authorization: "Bearer " + at("token").value, Accept: accept },
    cache: "no-store",
    credentials: "omit",
  });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ title: "The answer is " + answer.status }));
  throw new Error(problem.detail || problem.title);
}

const address = (one) => (one.name ? one.name + " <" + one.email + ">" : one.email);

function cell(row, content) {
  const data = row.insertCell();
  if (content instanceof Node) data.append(content);
  else data.textContent = content;
}

function add(message) {
  const row = rows.insertRow();
  const open = document.createElement("button");
  open.type = "button";
  open.className = "link";
  open.textContent = message.subject || "(no subject)";
  open.addEventListener("click", () => attempt(() => show(message)));
  cell(row, new Date(message.receivedAt).toLocaleString());
  cell(row, message.from.map(address).join(", ") || message.mailFrom || "");
  cell(row, message.rcptTo.join(", ") || message.to.map(address).join(", "));
  cell(row, open);
}

async function list(cursor) {
  const wanted = new URLSearchParams({ q: at("query").value });
  if (cursor) wanted.set("cursor", cursor);
  const page = await (await ask("v1/messages?" + wanted, "application/json")).json();
  if (!cursor) rows.replaceChildren();
  page.messages.forEach(add);
  next = page.next;
  at("list").hidden = rows.rows.length === 0;
  at("more").hidden = !next;
  at("status").textContent = rows.rows.length ? rows.rows.length + " messages shown" : "No message matches.";
}

async function show(message) {
  const base = "v1/messages/" + encodeURIComponent(message.id);
  at("text").textContent = await (await ask(base + "/text", "text/plain")).text();
  const told = message.session ? await (await ask(base + "/transcript", "text/plain")).text() : "";
  at("conversation").textContent = told || "This message did not come by SMTP.";
  at("subject").textContent = message.subject || "(no subject)";
  at("message").hidden = false;
  at("message").focus();
}

async function attempt(work) {
  at("status").textContent = "Asking …";
  try {
    await work();
    if (at("status").textContent === "Asking …") at("status").textContent = "";
  } catch (error) {
    at("status").textContent = error.message;
  }
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  at("message").hidden = true;
  attempt(() => list(null));
});
at("more").addEventListener("click", () => attempt(() => list(next)));
