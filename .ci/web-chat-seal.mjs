// Encrypted conversations of two pages, without a browser: a server that repeats, withholds, reorders, changes and forges
// what it passes on, and hands out keys of its own.

import assert from "node:assert/strict";

import { State } from "../src/live/web/page/state.js";
import { Talks } from "../src/live/web/page/talks.js";

/** A page of this name; `out` holds what it has sent and nobody has passed on. */
function page(name) {
  const state = new State();
  state.hear({ type: "welcome", users: [name] }, true);
  const made = { name, state, out: [], number: 0 };
  const send = (message) => {
    const sent = { number: ++made.number, message, at: performance.now() };
    made.out.push(sent);
    return sent;
  };
  made.talks = new Talks(state, send, () => {});
  made.with = (other) => state.place("person", other.name);
  made.texts = (other) => made.with(other).entries.filter(({ kind }) => kind === "text").map(({ text }) => text);
  made.last = (other) => made.with(other).entries.at(-1);
  made.writes = async (other, ...words) => {
    for (const text of words) made.talks.write(made.with(other), text);
    await made.talks.turn;
  };
  return made;
}

const hears = async (reader, from, envelope) => {
  reader.talks.hear({ type: "sealed", username: from.name, message: envelope, timestamp: 1 }, false);
  await reader.talks.turn;
};

/** Passes on all that `from` has sent and confirms it, until both are silent. */
async function passes(...pages) {
  for (let silent = false; !silent; ) {
    silent = true;
    for (const [from, to] of [pages, pages.toReversed()]) {
      await from.talks.turn;
      for (const { number, message } of from.out.splice(0)) {
        silent = false;
        from.talks.hear({ type: "sealed_sent", number, timestamp: 1 }, true);
        await hears(to, from, message.message);
      }
    }
  }
}

/** Two pages that encrypt. */
async function two() {
  const [kim, lea] = [page("kim"), page("lea")];
  kim.talks.press(kim.with(lea), "encrypt");
  await passes(kim, lea);
  return [kim, lea];
}
const key = async ({ talks }) => (await talks.own()).shown;
const envelopes = (from) => from.out.splice(0).map(({ message }) => message.message);

{
  const [kim, lea] = await two();
  const numbers = [kim.talks.of(kim.with(lea)), lea.talks.of(lea.with(kim))].map(({ theirs }) => theirs.number);
  assert.equal(numbers[0], numbers[1]);
  assert.match(numbers[0], /^(\d{5} ){11}\d{5}$/);
  await kim.writes(lea, "one", "two ✓", "one");
  const said = kim.out.map(({ message }) => message.message);
  assert.ok(said.every((envelope) => !envelope.includes("one")) && new Set(said).size === 3, "the same text is another envelope");
  await passes(kim, lea);
  await lea.writes(kim, "three\u202e\u0007\r\nfour");
  await passes(kim, lea);
  assert.deepEqual(lea.texts(kim), ["one", "two ✓", "one", "three\u202e\u0007\r\nfour"]);
  assert.deepEqual(kim.texts(lea), ["one", "two ✓", "one", "three\ufffd\ufffd\nfour"]);
  assert.equal(kim.state.pending.length, 0);
}
{
  // Each direction has a key of its own: number and text are the same, and what hides the text is not.
  const [kim, lea] = await two();
  await kim.writes(lea, "the same words");
  await lea.writes(kim, "the same words");
  const [one, other] = [kim, lea].map((from) => envelopes(from)[0].split(".").at(-1).slice(0, 16));
  assert.notEqual(one, other);
}
{
  // Repetition, order, and what is withheld.
  const [kim, lea] = await two();
  await kim.writes(lea, "1", "2", "3", "4");
  const [first, second, third, fourth] = envelopes(kim);
  await hears(lea, kim, first);
  await hears(lea, kim, first);
  assert.match(lea.last(kim).text, /a second time/);
  await hears(lea, kim, fourth);
  assert.match(lea.last(kim).note, /2 messages before this one did not come/);
  await hears(lea, kim, second);
  assert.match(lea.last(kim).note, /late/);
  await hears(lea, kim, second);
  await hears(lea, kim, third);
  assert.deepEqual(lea.texts(kim), ["1", "4", "2", "3"]);
  assert.equal(lea.with(kim).entries.filter(({ kind }) => kind === "error").length, 2);
}
{
  // A text that the server has refused is no gap.
  const [kim, lea] = await two();
  await kim.writes(lea, "too long");
  const { number } = kim.out.pop();
  assert.ok(kim.state.ownRefused("Message too long", ({ entry }) => entry.sent.number === number));
  await kim.writes(lea, "short");
  await passes(kim, lea);
  assert.deepEqual([lea.last(kim).text, lea.last(kim).note], ["short", undefined]);
}
{
  // Every part of an envelope is bound: nothing of it can be changed, and no other can be put in its place.
  const [kim, lea] = await two();
  await kim.writes(lea, "1", "pay 10");
  const [, envelope] = envelopes(kim);
  const [version, kind, from, to, n, before, data] = envelope.split(".");
  const flipped = (data[5] === "A" ? "B" : "A") + data.slice(6);
  for (const forged of [
    [version, kind, from, to, n, before, data.slice(0, 5) + flipped], [version, kind, from, to, "7", before, data],
    [version, kind, from, to, n, "0", data], [version, kind, from, to, n, before, data.slice(0, -4)], [version, kind, from, to, n, before, ""],
    [version, kind, from, to, n, before, "%%%"], [version, kind, from, to, "-1", before, data], [version, kind, from, to, "x", before, data],
    [version, kind, from, from, n, before, data], [version, kind, to, to, n, before, data],
  ]) {
    await hears(lea, kim, forged.join("."));
    assert.match(lea.last(kim).text, /cannot be read/, forged.join("."));
    assert.equal(lea.last(kim).kind, "error");
  }
  for (const nonsense of ["", "hello", "2.text.a.b.1.0.c", "1.text.a", "1.other.x"]) {
    await hears(lea, kim, nonsense);
    assert.match(lea.last(kim).text, /does not understand/, nonsense);
  }
  // What kim has sent does not come back to kim as of lea.
  await hears(kim, lea, envelope);
  assert.equal(kim.last(lea).kind, "error");
  assert.deepEqual(lea.texts(kim), []);
  lea.out.length = 0;
  await hears(lea, kim, envelope);
  assert.deepEqual(lea.texts(kim), ["pay 10"]);
}
{
  // A page is opened anew: both are told, and nothing is sent before the new key is accepted.
  const [kim, lea] = await two();
  kim.talks.press(kim.with(lea), "same");
  const anew = page("lea");
  await kim.writes(anew, "to the old key");
  await passes(kim, anew);
  assert.match(anew.with(kim).entries[0].text, /opened anew/);
  assert.equal(kim.with(lea).entries.find(({ own }) => own).fate, "refused");
  const secrecy = kim.talks.of(kim.with(lea));
  assert.ok(kim.with(lea).entries.some(({ kind, text }) => kind === "alarm" && text.includes("key has changed")));
  assert.match(kim.talks.holds(kim.with(lea)), /changed/);
  await anew.writes(kim, "it is me");
  await passes(kim, anew);
  assert.equal(kim.last(lea).sealed, "new");
  assert.notEqual(secrecy.changed.number, secrecy.theirs.number);
  kim.talks.press(kim.with(lea), "accept");
  assert.deepEqual([kim.talks.holds(kim.with(lea)), secrecy.isCompared], ["", false]);
  await kim.writes(anew, "good");
  await passes(kim, anew);
  assert.equal(anew.last(kim).text, "good");
}
{
  // A server with keys of its own reads everything, and the numbers differ.
  const [kim, lea, eve] = [page("kim"), page("lea"), page("eve")];
  await hears(kim, lea, `1.key.ask.${await key(eve)}`);
  await hears(lea, kim, `1.key.ask.${await key(eve)}`);
  const [one, other] = [kim.talks.of(kim.with(lea)), lea.talks.of(lea.with(kim))];
  assert.notEqual(one.theirs.number, other.theirs.number);
  for (const bad of [await key(kim), "AAAA", "", "%"]) {
    await hears(kim, lea, `1.key.tell.${bad}`);
    assert.match(kim.last(lea).text, /key is none/, bad);
  }
  assert.equal(one.theirs.shown, await key(eve));
}
{
  // No number is used twice with one key, though the keys come and go.
  const [kim, lea, eve] = [...(await two()), page("eve")];
  await kim.writes(lea, "1");
  for (const other of [eve, lea]) {
    await hears(kim, lea, `1.key.tell.${await key(other)}`);
    if (kim.talks.of(kim.with(lea)).changed) kim.talks.press(kim.with(lea), "accept");
  }
  await kim.writes(lea, "2");
  const numbers = envelopes(kim).filter((envelope) => envelope.startsWith("1.text.")).map((envelope) => envelope.split(".").slice(3, 5).join("."));
  assert.equal(new Set(numbers).size, 2);
}
{
  // Its client reads nothing encrypted.
  const [kim, tom] = [page("kim"), page("tom")];
  kim.talks.press(kim.with(tom), "encrypt");
  await kim.talks.turn;
  kim.talks.hear({ type: "error", number: kim.out[0].number, message: "'tom' is on a client that reads no encrypted messages" }, true);
  assert.equal(kim.talks.isOn(kim.with(tom)), false);
  assert.match(kim.last(tom).text, /reads no encrypted/);
}
console.log("encrypted conversations: repeated, withheld, reordered, changed and forged envelopes, changed keys");
