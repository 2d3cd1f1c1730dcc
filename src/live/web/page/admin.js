// The administrator's page: it asks for the server's figures and sends commands, with the token in a header of
// each request and nowhere else.

import { element } from "./text.js";

const byId = (id) => document.getElementById(id);
// Pause between two looks.
const LOOK = 2_000;
// Options of a network as the command line has them.
const OPTIONS = ["loss", "delay", "jitter", "rate", "queue"];

const plain = (value) => (value === null || value === undefined ? "–" : String(value));
const rounded = (value, unit = 1) => (typeof value === "number" && value > 0 ? Number((value * unit).toPrecision(3)).toString() : "–");
const bytes = (value) => (value < 1e4 ? `${value} B` : value < 1e7 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`);
const span = (s) => [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]].filter(([size]) => s >= size).slice(0, 2)
  .map(([size, unit], n, all) => `${Math.floor(n ? (s % all[0][0]) / size : s / size)} ${unit}`).join(" ") || "0 s";

// Columns: title, cell, and whether it is a number.
const CLIENTS = [
  ["name", (client) => plain(client.username)],
  ["address", (client) => client.address],
  ["dialect", (client) => client.dialect],
  ["here for", (client) => span(client.connected_s), true],
  ["heard", (client) => client.messages_in, true],
  ["told", (client) => client.messages_out, true],
  ["bytes in", (client) => bytes(client.bytes_in), true],
  ["bytes out", (client) => bytes(client.bytes_out), true],
  ["round trip, ms", (client) => rounded(client.rtt, 1e3), true],
  ["window", (client) => (client.congestion_window ? `${client.congestion_window} ${client.window_unit}` : "–"), true],
  ["sent again", (client) => plain(client.retransmissions), true],
  ["queue", (client) => bytes(client.queue_bytes), true],
  ["own network", (client) => plain(client.network)],
];
const ROOMS = [
  ["room", (room) => room.room],
  ["private", (room) => (room.private ? "yes" : "no")],
  ["owner", (room) => plain(room.owner)],
  ["members here", (room) => room.members, true],
  ["away", (room) => room.away, true],
];

let token = "";
let clock;
let before;
let looks = 0;

/** The answer to a request; an error's is its words. */
async function ask(path, body, method = body ? "POST" : "GET") {
  // A header takes no others, and no token has them.
  if (!/^[\x20-\x7e]*$/.test(token)) return { status: 401, detail: "A token has letters, digits and signs of ASCII only" };
  const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
  try {
    const reply = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    return { ...(await reply.json()), status: reply.status };
  } catch {
    return { status: 0, detail: "The server cannot be reached" };
  }
}

function say(words, isRefused = false) {
  byId("answer").textContent = words;
  byId("answer").classList.toggle("refused", isRefused);
}

/** Sends a command, and says what came of it. */
async function act(path, body, method) {
  const said = await ask(path, body, method);
  say(said.detail ?? said.message ?? said.description ?? "done", said.status !== 200);
  await look();
  return said.status === 200;
}

/** A table of the same rows again, so that the focus stays where it is. */
function fill(table, columns, rows, keyOf, verb, deed) {
  if (!table.tHead) {
    const line = table.createTHead().insertRow();
    for (const [title, , isNumber] of columns) line.append(element("th", title, isNumber ? "number" : ""));
    line.append(element("th", ""));
    for (const head of line.cells) head.scope = "col";
    table.createTBody();
  }
  const [body] = table.tBodies;
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  for (const entry of rows) {
    const key = keyOf(entry);
    let row = known.get(key);
    known.delete(key);
    if (!row) {
      row = body.insertRow();
      row.dataset.key = key;
      for (const [, , isNumber] of columns) row.append(element("td", "", isNumber ? "number" : ""));
      const button = element("button", verb, "quiet");
      button.type = "button";
      button.addEventListener("click", () => deed(key));
      row.insertCell().append(button);
    }
    columns.forEach(([, of], n) => (row.cells[n].textContent = of(entry)));
    row.cells[columns.length].firstChild.setAttribute("aria-label", `${verb} ${row.cells[0].textContent}`);
  }
  for (const gone of known.values()) gone.remove();
}

function showFigures(stats) {
  const now = performance.now();
  // A server that has begun anew counts from nothing.
  const rate = (name) => (before ? Math.max(0, ((stats[name] - before.stats[name]) / (now - before.now)) * 1e3) : 0);
  const figures = [
    ["up", span(stats.uptime)],
    ["people", stats.people],
    ["connections", stats.connected_clients],
    ["heard", `${stats.total_messages} (${rate("total_messages").toFixed(1)}/s)`],
    ["told", `${stats.messages_delivered} (${rate("messages_delivered").toFixed(1)}/s)`],
    ["bytes", `${bytes(stats.bytes_transferred)} (${bytes(Math.round(rate("bytes_transferred")))}/s)`],
  ];
  before = { now, stats };
  byId("figures").replaceChildren(...figures.map(([title, value]) => {
    const group = element("div");
    group.append(element("dt", title), element("dd", plain(value)));
    return group;
  }));
}

function showLog({ lines }) {
  const log = byId("log");
  const text = lines.join("\n") || "The log is empty. `serve --log info` logs more.";
  if (log.textContent === text) return;
  // Somebody who reads further up stays there.
  const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  log.textContent = text;
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function showNetwork(now) {
  byId("conditions").textContent = now.description ?? now.detail;
  byId("controls").hidden = !now.description;
  if (!now.description || byId("presets").childElementCount) return;
  byId("presets").replaceChildren(...["first", ...now.presets].map((name) => {
    const button = element("button", name === "first" ? "as at the start" : name, "quiet");
    button.type = "button";
    button.addEventListener("click", () => change({ preset: name }));
    return button;
  }));
  const fields = OPTIONS.map((name) => {
    const label = element("label", name);
    label.append(Object.assign(element("input"), { name, autocomplete: "off" }));
    return label;
  });
  const label = element("label", "controller");
  const select = Object.assign(element("select"), { name: "congestion" });
  select.append(new Option("as it is", ""), ...now.controllers.map((name) => element("option", name)));
  label.append(select);
  byId("options").replaceChildren(...fields, label, Object.assign(element("button", "Set"), { type: "submit" }));
  place(now);
}

const inputs = () => [...OPTIONS, "congestion"].map((name) => byId("options").elements[name]);

/** Fields as everybody's network is, empty for a person's; those that somebody has changed since they were asked for stay. */
function place(now) {
  for (const field of inputs()) {
    if (field.value !== (field.dataset.asked ?? "")) continue;
    field.value = (!byId("whose").value && now[field.name]) || "";
    field.dataset.shown = field.dataset.asked = field.value;
  }
}

/** From now on a field that changes is somebody's. */
function askFor() {
  for (const field of inputs()) field.dataset.asked = field.value;
}

/** Fields for whoever's network is to change. */
async function refill() {
  askFor();
  place(await ask("/api/network"));
}

/** Asks for another network, or with PATCH for a change of this one. */
function change(wanted, method = "PUT") {
  askFor();
  act("/api/network", { ...wanted, ...whose() }, method).then(takeNetwork);
}

async function takeNetwork(isDone) {
  if (isDone) place(await ask("/api/network"));
}

/** The person whose network is to change; nothing is everybody. */
function whose() {
  return byId("whose").value ? { name: byId("whose").value } : {};
}

/** The people whose network may change; the choice stays as long as that person is here. */
function showPeople(clients) {
  const select = byId("whose");
  const names = clients.map(({ username }) => username).filter(Boolean).sort();
  if ([...select.options].slice(1).map(({ value }) => value).join("|") === names.join("|")) return;
  const { value } = select;
  select.replaceChildren(select.options[0], ...names.map((name) => element("option", name)));
  select.value = names.includes(value) ? value : "";
  if (select.value !== value) refill();
}

/** A field for each limit, as it is; what somebody is writing stays. */
function showLimits({ status, ...limits }) {
  const form = byId("limits");
  if (status !== 200) return;
  if (!form.childElementCount) {
    const fields = Object.keys(limits).map((name) => {
      const label = element("label", name.replaceAll("_", " "));
      label.append(Object.assign(element("input"), { name, autocomplete: "off" }));
      return label;
    });
    form.append(...fields, Object.assign(element("button", "Set"), { type: "submit" }));
  }
  for (const [name, value] of Object.entries(limits)) {
    const field = form.elements[name];
    if (field.value === (field.dataset.shown ?? "")) field.value = String(value);
    Object.assign(field.dataset, { shown: String(value), kind: typeof value });
  }
}

/** Asks and shows; an answer that a later one has overtaken is not shown. */
async function look() {
  const number = ++looks;
  const paths = ["/api/stats", "/api/rooms", "/api/log", "/api/network", "/api/limits"];
  const [stats, rooms, log, network, limits] = await Promise.all(paths.map((path) => ask(path)));
  if (number < looks) return undefined;
  const refused = [stats, rooms, log].find(({ status }) => status !== 200);
  byId("status").textContent = refused ? refused.detail : "";
  byId("status").classList.toggle("broken", Boolean(refused));
  if (refused) return refused;
  showFigures(stats);
  fill(byId("clients"), CLIENTS, Object.values(stats.client_details), (client) => client.id, "kick", (id) =>
    act("/api/kick", { client_id: id, keep_out: byId("keep-out").value }));
  fill(byId("rooms"), ROOMS, rooms.rooms, (room) => room.room, "close", (room) => act("/api/close-room", { room }));
  showLog(log);
  showNetwork(network);
  showPeople(Object.values(stats.client_details));
  showLimits(limits);
  return undefined;
}

async function enter() {
  before = undefined;
  // One request is one guess.
  const { status, detail } = await ask("/api/stats");
  const refused = status === 200 ? await look() : { detail };
  byId("refusal").textContent = refused?.detail ?? "";
  if (refused) return;
  byId("door").hidden = true;
  byId("desk").hidden = false;
  byId("log").scrollTop = byId("log").scrollHeight;
  clock = setInterval(() => document.hidden || look(), LOOK);
}

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value;
  byId("token").value = "";
  enter();
});
byId("leave").addEventListener("click", () => location.reload());
byId("broadcast").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await act("/api/broadcast", { message: `[ADMIN] ${byId("words").value}` })) byId("words").value = "";
});
byId("whose").addEventListener("change", refill);
byId("options").addEventListener("submit", (event) => {
  event.preventDefault();
  const changed = inputs().filter(({ value, dataset }) => value && value !== dataset.shown);
  change(Object.fromEntries(changed.map(({ name, value }) => [name, value])), "PATCH");
});
byId("limits").addEventListener("submit", (event) => {
  event.preventDefault();
  const changed = [...byId("limits").querySelectorAll("input")].filter(({ value, dataset }) => value !== dataset.shown);
  const number = (value) => (/^\d+$/.test(value.trim()) ? Number(value) : value);
  act("/api/limits", Object.fromEntries(changed.map(({ name, value, dataset }) => [name, dataset.kind === "number" ? number(value) : value.trim()])), "PATCH");
});
byId("shutdown").addEventListener("click", () => {
  if (confirm("End the server for everybody?")) act("/api/shutdown", {}).then(() => clearInterval(clock));
});
