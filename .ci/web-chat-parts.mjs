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
URL.createObjectURL = () => (given.add("blob:1"), "blob:1");
URL.revokeObjectURL = (url) => given.delete(url);
const bytes = Buffer.from("hello");
const sha256 = createHash("sha256").update(bytes).digest("hex");
files.hear({ type: "file_offered", file: 7, username: "lea", name: "b", size: bytes.length, sha256 }, true);
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
console.log("files: one too large is not read, and no address outlives its entry");
