// Parts of the page without a browser: what it reads of a file, and what it keeps of one.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { Files } from "../src/live/web/page/files.js";
import { State } from "../src/live/web/page/state.js";

const sent = [];
const state = new State();
state.hear({ type: "welcome", users: ["kim"] }, true);
const files = new Files(state, (message) => sent.push(message), () => {}, () => true);
const lea = state.place("person", "lea");
const limits = (max_file) => (globalThis.fetch = async () => ({ json: async () => ({ max_file }) }));

// A file that the server would refuse is not read.
let reads = 0;
const blob = (size) => ({ name: "a", size, slice: () => ({ arrayBuffer: async () => ((reads += 1), new ArrayBuffer(size)) }) });
for (const [most, size, words] of [["1KiB", 1_025, /larger than 1KiB/], ["0B", 0, /takes no files/], ["2MiB", 2 ** 21 + 1, /larger than 2MiB/], ["500B", 501, /larger/]]) {
  limits(most);
  await files.offer(lea, blob(size));
  assert.match(lea.entries.at(-1).why, words);
  assert.deepEqual([lea.entries.at(-1).phase, reads, sent.length], ["failed", 0, 0]);
}
for (const most of ["1KiB", undefined]) {
  limits(most);
  await files.offer(lea, blob(1_024));
  assert.equal(sent.pop().type, "file_offer");
}
globalThis.fetch = async () => Promise.reject(new Error("no connection"));
await files.offer(lea, blob(2_048));
assert.equal(sent.pop().type, "file_offer");

// A file whose entry has been pushed out before it was whole is there again, and its address is given up when it is pushed out for good.
const given = new Set();
// No browser shows it as a page of this one's, whatever its name is.
URL.createObjectURL = ({ type }) => (assert.equal(type, "application/octet-stream"), given.add("blob:1"), "blob:1");
URL.revokeObjectURL = (url) => given.delete(url);
const bytes = Buffer.from("hello");
const sha256 = createHash("sha256").update(bytes).digest("hex");
files.hear({ type: "file_offered", file: 7, username: "lea", name: "b.html", size: bytes.length, sha256 }, true);
const entry = lea.entries.at(-1);
files.press(entry.number, "accept");
const fill = () => {
  for (let n = 0; n < 500; n += 1) state.add(lea, { kind: "notice", text: String(n) }, true);
};
fill();
assert.ok(!lea.entries.includes(entry));
files.hear({ type: "file_part", file: 7, from: 0, data: bytes.toString("base64") }, true);
assert.equal(lea.entries.at(-1), entry);
assert.deepEqual([entry.phase, entry.url, given.size], ["done", "blob:1", 1]);
fill();
assert.deepEqual([lea.entries.includes(entry), given.size], [false, 0]);
// One to a room goes on with each reader who was cut off, and is not offered again to those who have it.
const room = state.place("room", "den");
const ask = (number, username, from) => files.hear({ type: "file_asked", file: number, reader: 1, username, from }, true);
const offers = () => sent.splice(0).filter(({ type }) => type === "file_offer");
const announce = (number, people, sha256, size) => files.hear({ type: "file_announced", file: number, people, name: "a", size, sha256 }, true);
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
files.going.length = sent.length = 0;
limits("1MiB");
await files.offer(room, new Blob([new Uint8Array(20_000)]));
const [first] = offers();
assert.deepEqual([first.room, first.to], ["den", undefined]);
announce(21, 4, first.sha256, first.size);
for (const reader of ["lea", "bob", "kai"]) ask(21, reader, 0);
await settle();
files.hear({ type: "file_ended", file: 21, username: "kai", how: "done" }, true);
files.hear({ type: "file_ended", file: 21, username: "lea", how: "gone" }, true);
const shown = room.entries.at(-1);
assert.deepEqual([shown.phase, offers().length], ["going", 0]);
files.hear({ type: "user_joined", username: "Lea" }, true);
assert.deepEqual(offers().map(({ to, room: to_room }) => [to, to_room]), [["lea", undefined]]);
announce(22, 1, first.sha256, first.size);
ask(22, "lea", 8_192);
await settle();
assert.deepEqual(sent.splice(0).map(({ type, file, from }) => [type, file, from]), [["file_part", 22, 8_192]]);
// The server begins anew: bob and lea go on, kai has it, and the fourth had not begun.
files.hear({ type: "welcome", users: ["kim"] }, true);
assert.deepEqual(offers().map(({ to }) => to).sort(), ["bob", "lea"]);
files.hear({ type: "file_refused", sha256: first.sha256, size: first.size, message: "nobody of that name" }, true);
assert.deepEqual(files.going.map(({ isGone }) => isGone).sort(), [false, true]);
files.hear({ type: "user_joined", username: files.going.find(({ isGone }) => isGone).to.to }, true);
assert.equal(offers().length, 1);
[31, 32].forEach((number) => announce(number, 1, first.sha256, first.size));
files.hear({ type: "file_ended", file: 31, username: "x", how: "done" }, true);
assert.equal(shown.phase, "going");
files.hear({ type: "file_ended", file: 32, username: "y", how: "done" }, true);
assert.deepEqual([shown.phase, files.going.length], ["done", 0]);
// One that nobody had begun is offered to the room once this page is in there again.
await files.offer(room, new Blob(["b"]));
announce(33, 2, offers()[0].sha256, 1);
files.hear({ type: "welcome", users: ["kim"] }, true);
assert.equal(offers().length, 0);
files.hear({ type: "room_joined", room: "den" }, true);
assert.deepEqual(offers().map(({ room: to_room }) => to_room), ["den"]);
// The others of the room come back after this page: it is offered again, for five minutes at most.
const wait = globalThis.setTimeout;
const refuse = () => files.hear({ type: "file_refused", sha256: b.sha256, size: 1, message: "nobody else there" }, true);
const [b] = files.going.map(({ sum, entry }) => ({ sha256: sum, entry }));
let later = null;
globalThis.setTimeout = (then) => ((later = then), 1);
refuse();
assert.deepEqual([b.entry.phase, offers().length], ["paused", 0]);
later();
assert.equal(offers().length, 1);
files.going[0].goneAt -= 300_000;
refuse();
assert.deepEqual([b.entry.phase, files.going.length], ["failed", 0]);
globalThis.setTimeout = wait;
// A reader of a room's file goes on under another name.
await files.offer(room, new Blob(["c"]));
announce(41, 2, offers()[0].sha256, 1);
ask(41, "bob", 0);
await settle();
files.hear({ type: "user_renamed", username: "bob", to: "rob" }, true);
files.hear({ type: "file_ended", file: 41, username: "rob", how: "gone" }, true);
sent.length = 0;
files.hear({ type: "user_joined", username: "rob" }, true);
assert.deepEqual(offers().map(({ to }) => to), ["rob"]);
// At a server that has begun anew, a private text waits for a person who is not back, and no longer than a minute.
const late = new State();
late.hear({ type: "welcome", users: ["lea", "kim"] }, true);
const talk = late.place("person", "lea");
const says = (number) => late.addOwn(talk, `text ${number}`, { at: 0, number });
const refused = (number) => late.hear({ type: "error", message: "User 'lea' not found", number }, true);
const before = says(1);
late.loseServer();
late.hear({ type: "welcome", users: ["kim"] }, true);
late.awaitsUntil = performance.now() + 60_000;
for (const { entry } of late.takeLost()) entry.sent = { at: 0, number: 7 };
const since = says(8);
[7, 8].forEach(refused);
assert.deepEqual([before.fate, since.fate, late.pending.length], ["waiting", "waiting", 2]);
// Another refusal is as the server says it, and nobody waits for a person who was not there before.
for (const [number, name, words] of [[21, "lea", "Message too long"], [22, "lae", "User 'lae' not found"]]) {
  const own = late.addOwn(late.place("person", name), "a text", { at: 0, number });
  late.hear({ type: "error", message: words, number }, true);
  assert.deepEqual([own.fate, own.why], ["refused", words]);
}
late.hear({ type: "user_joined", username: "Lea" }, true);
assert.deepEqual(late.takeAwaited("Lea").map(({ entry }) => entry.text), ["text 1", "text 8"]);
assert.deepEqual([before.fate, since.fate, late.takeAwaited("lea").length], ["sending", "sending", 0]);
late.hear({ type: "user_left", username: "Lea" }, true);
Object.assign(before.sent, { number: 9 });
Object.assign(since.sent, { number: 10 });
[9, 10].forEach(refused);
late.endWaiting();
assert.deepEqual([before.fate, since.fate, late.pending.length], ["unknown", "refused", 0]);
says(11);
refused(11);
assert.equal(talk.entries.at(-1).fate, "refused");
console.log("texts: one waits for who comes back");

console.log("files: one too large is not read, no address outlives its entry, and one to a room goes on with each reader");
