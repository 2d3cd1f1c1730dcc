// Encrypted conversations of two pages, without a browser: a server that repeats, withholds, reorders, changes and forges
// what it passes on, and hands out keys of its own.

import assert from "node:assert/strict";

import { readFileSync } from "node:fs";

import { State } from "../src/live/web/page/state.js";
import { COMMANDS, Talks, WHISPERS, askedAbout } from "../src/live/web/page/talks.js";

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
  made.secrecy = (other) => made.talks.of(made.with(other));
  made.presses = (other, what, shown = askedAbout(made.secrecy(other))) => made.talks.press(made.with(other), what, shown);
  made.hears = (event) => made.talks.hear(event, false) || state.hear(event, false);
  made.said = (other, kind) => made.with(other).entries.filter((entry) => entry.kind === kind);
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
  assert.deepEqual(["notice", "error"].map((kind) => lea.said(kim, kind).filter(({ text }) => /a second time/.test(text)).length), [2, 0]);
  // A gap of any size: texts that come late are read, once.
  await kim.writes(lea, ...Array.from({ length: 1_500 }, (_, n) => `more ${n}`));
  const more = envelopes(kim);
  await hears(lea, kim, more.at(-1));
  assert.match(lea.last(kim).note, /1499 messages before/);
  for (const n of [0, 1_498, 7, 0, 7]) await hears(lea, kim, more[n]);
  assert.deepEqual(lea.texts(kim).slice(-4), ["more 1499", "more 0", "more 1498", "more 7"]);
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
  // A text of kim does not come back to kim as of lea.
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
  kim.presses(lea, "same");
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
  kim.presses(lea, "accept");
  assert.deepEqual([kim.talks.holds(kim.with(lea)), secrecy.comparedAs], ["", ""]);
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
    if (kim.secrecy(lea).changed) kim.presses(lea, "accept");
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
  assert.match(kim.last(tom).text, /reads no encrypted/);
  // Nothing goes in the clear before the person says so.
  assert.match(kim.talks.holds(kim.with(tom)), /no key/);
  kim.presses(tom, "stop");
  assert.equal(kim.talks.isOn(kim.with(tom)), false);
}
{
  // A person that takes a name does not take the key that was compared under it.
  for (const renamed of ["user_renamed", "renamed"]) {
    const [kim, lea] = await two();
    const eve = page(renamed === "renamed" ? "kim" : "eve");
    const rename = (from, to) => kim.hears({ type: renamed, username: from, to, timestamp: 1 });
    kim.presses(lea, "same");
    kim.with(lea).draft = "begun";
    const { theirs } = kim.secrecy(lea);
    await hears(kim, eve, `1.key.ask.${await key(eve)}`);
    rename(eve.name, "lea");
    const secrecy = kim.secrecy(lea);
    assert.deepEqual([secrecy.theirs === theirs, secrecy.changed?.shown, secrecy.comparedAs], [true, await key(eve), ""]);
    assert.match(kim.said(lea, "alarm").at(-1).text, /has taken the name lea/);
    assert.match(kim.talks.holds(kim.with(lea)), /changed/);
    assert.equal(kim.with(lea).draft, "begun");
  }
  // A key that comes behind the renaming, one that the person has stopped, and one without malice.
  const [kim, lea] = await two();
  const eve = page("eve");
  kim.talks.hear({ type: "sealed", username: "eve", message: `1.key.ask.${await key(eve)}`, timestamp: 1 }, false);
  kim.hears({ type: "user_renamed", username: "eve", to: "LEA", timestamp: 1 });
  await kim.talks.turn;
  assert.deepEqual([kim.secrecy(lea).theirs.shown, kim.secrecy(lea).changed.shown], [await key(lea), await key(eve)]);
  // A server shows the compared key under the other name first.
  const [joe, may] = await two();
  for (const how of [`ask.${await key(may)}`, `tell.${await key(eve)}`]) await hears(joe, eve, `1.key.${how}`);
  joe.hears({ type: "user_renamed", username: "eve", to: may.name, timestamp: 1 });
  assert.deepEqual([joe.secrecy(may).theirs.shown, joe.secrecy(may).changed?.shown], [await key(may), await key(eve)]);
  const [ann, bob] = await two();
  bob.presses(ann, "same");
  bob.hears({ type: "user_renamed", username: ann.name, to: "zoe", timestamp: 1 });
  assert.equal(bob.secrecy({ name: "zoe" }).comparedAs, ann.name, "under its earlier name");
  await hears(bob, eve, `1.key.ask.${await key(eve)}`);
  bob.presses({ name: "zoe" }, "stop");
  bob.hears({ type: "user_renamed", username: "eve", to: "zoe", timestamp: 1 });
  assert.match(bob.talks.holds(bob.with({ name: "zoe" })), /changed/, "what was encrypted is not sent in the clear");
  // One that is reached by its registered name answers under its present one.
  const [pat, sue] = [page("pat"), page("sue_2")];
  pat.presses({ name: "sue" }, "encrypt");
  await pat.talks.turn;
  pat.hears({ type: "sealed_sent", number: pat.out.at(-1).number, to: "sue_2", timestamp: 1 });
  await hears(pat, sue, `1.key.tell.${await key(sue)}`);
  assert.deepEqual([pat.talks.holds(pat.with(sue)), pat.state.places.has("person:sue")], ["", false]);
  // The same page under an earlier name is no stranger.
  bob.presses({ name: "zoe" }, "stop");
  const [ron, una] = await two();
  ron.hears({ type: "user_renamed", username: una.name, to: "una", timestamp: 1 });
  await hears(ron, una, `1.key.ask.${await key(una)}`);
  ron.hears({ type: "user_renamed", username: "una", to: una.name, timestamp: 1 });
  assert.deepEqual([ron.secrecy(una).changed, ron.talks.holds(ron.with(una))], [null, ""]);
}
{
  // A line with a slash is read by the server.
  const [kim, lea] = await two();
  const here = kim.with(lea);
  const leaks = (words, at = here) => kim.talks.leaks(at, words);
  for (const words of ["/tell lea secret", "/W  LEA secret", "/whisper\nlea secret", "/etc/passwd", "/", "/sure", "/list\nsecret"]) assert.notEqual(leaks(words), "", words);
  for (const words of ["/tell bob hi", "/tell leander hi", "/nick lea", "/help", "/Exit"]) assert.equal(leaks(words), "", words);
  const all = kim.state.place("all", "");
  assert.match(leaks("/msg lea secret", all), /not encrypted/);
  assert.equal(leaks("/sure", all), "");
  kim.presses(lea, "stop");
  assert.equal(leaks("/tell lea secret"), "");
  const words = readFileSync(new URL("../src/chat/protocol/commands.rs", import.meta.url), "utf8").split("pub fn split_message")[0];
  const known = [...words.matchAll(/^ {8}("\/.*?) =>/gm)].flatMap(([, arm]) => arm.match(/\/\w+/g));
  assert.deepEqual([...WHISPERS, ...COMMANDS].sort(), known.sort());
}
{
  // Texts in the clear where the two encrypt, and the end of it, are said.
  const [kim, lea] = await two();
  kim.hears({ type: "private", username: "lea", message: "pay eve", timestamp: 1 });
  assert.match(kim.last(lea).note, /without encryption/);
  lea.presses(kim, "stop");
  await passes(kim, lea);
  assert.match(kim.last(lea).text, /no longer encrypts/);
  assert.ok(kim.talks.isOn(kim.with(lea)), "a server that says so does not end it");
  // And nobody but the person begins it again.
  for (const how of ["tell", "ask"]) {
    await hears(lea, kim, `1.key.${how}.${await key(kim)}`);
    assert.equal(lea.talks.isOn(lea.with(kim)), false, how);
  }
  await kim.writes(lea, "still readable");
  await passes(kim, lea);
  assert.equal(lea.last(kim).text, "still readable");
  lea.presses(kim, "encrypt");
  await passes(kim, lea);
  assert.equal(lea.talks.holds(lea.with(kim)), "");
  const [tom, una] = [page("tom"), page("una")];
  await hears(tom, una, `1.key.tell.${await key(una)}`);
  assert.deepEqual([tom.talks.isOn(tom.with(una)), tom.talks.ways.size], [false, 0], "a key that nobody asked for");
}
{
  // The message that could not be read is named with its key.
  const [kim, lea, anew] = [...(await two()), page("lea")];
  await kim.writes(lea, "read");
  await passes(kim, lea);
  await hears(kim, anew, `1.key.tell.${await key(anew)}`);
  kim.presses(lea, "accept");
  await kim.writes(lea, "lost");
  const [envelope] = envelopes(kim);
  const sign = envelope.at(-9) === "A" ? "B" : "A";
  await hears(anew, lea, `1.key.ask.${await key(kim)}`);
  await hears(anew, kim, `1.key.ask.${await key(kim)}`);
  await hears(anew, kim, envelope.slice(0, -9) + sign + envelope.slice(-8));
  for (const answer of envelopes(anew).filter((words) => words.startsWith("1.unread."))) await hears(kim, anew, answer);
  const fates = kim.with(lea).entries.filter(({ own }) => own).map(({ text, fate }) => [text, fate]);
  assert.deepEqual(fates, [["read", null], ["lost", "refused"]]);
}
{
  // A press is about the key that it was drawn for, and the second of two does nothing.
  const [kim, lea, eve, ann] = [...(await two()), page("eve"), page("ann")];
  await hears(kim, lea, `1.key.tell.${await key(eve)}`);
  const seen = askedAbout(kim.secrecy(lea));
  await hears(kim, lea, `1.key.tell.${await key(ann)}`);
  kim.presses(lea, "accept", seen);
  assert.equal(kim.secrecy(lea).theirs.shown, await key(lea), "another key than the one that was seen");
  const now = askedAbout(kim.secrecy(lea));
  for (let n = 0; n < 2; n += 1) kim.presses(lea, "accept", now);
  assert.deepEqual([kim.secrecy(lea).theirs.shown, kim.secrecy(lea).changed], [await key(ann), null]);
  await hears(kim, lea, `1.key.tell.${await key(eve)}`);
  for (const what of ["same", "encrypt"]) kim.presses(lea, what, now);
  assert.deepEqual([kim.secrecy(lea).comparedAs, kim.secrecy(lea).phase], ["", "on"]);
}
{
  // Keys without end leave nothing behind, and are one alarm. A key has one form.
  const [kim, lea] = await two();
  for (let n = 0; n < 50; n += 1) await hears(kim, lea, `1.key.tell.${await key(page("eve"))}`);
  assert.deepEqual([kim.talks.ways.size, kim.said(lea, "alarm").length, kim.with(lea).unread], [2, 1, 1]);
  await hears(kim, lea, `1.key.tell.${await key(lea)}=`);
  assert.equal(kim.secrecy(lea).changed, null);
  // One with which somebody has written keeps its numbers, though it is another's turn.
  const { theirs } = kim.secrecy(lea);
  kim.talks.write(kim.with(lea), "1");
  await hears(kim, lea, `1.key.tell.${await key(page("eve"))}`);
  kim.presses(lea, "accept");
  for (let n = 0; n < 2; n += 1) await hears(kim, lea, `1.key.tell.${await key(page("eve"))}`);
  await hears(kim, lea, `1.key.tell.${await key(lea)}`);
  assert.equal(kim.secrecy(lea).changed, theirs);
  assert.equal(theirs.n, 1);
}
{
  // The server begins anew: what it has not confirmed is said again, once, and may have been read.
  const [kim, lea] = await two();
  await kim.writes(lea, "before");
  const [lost] = kim.out.splice(0);
  await hears(lea, kim, lost.message.message);
  kim.number = 0;
  for (const one of [kim.state, kim.talks]) one.loseServer();
  // Text that is written before the page is in again: it goes by itself, under a number that was used before.
  await kim.writes(lea, "between");
  assert.deepEqual(kim.state.takeLost().map(({ entry }) => entry.text), ["before"]);
  assert.deepEqual(kim.state.takeLost(), []);
  kim.number = lost.number - 1;
  const [before, between] = kim.said(lea, "text");
  kim.hears({ type: "sealed_sent", number: between.sent.number, timestamp: 1 });
  assert.deepEqual([before.fate, between.fate], ["sending", null]);
  kim.talks.repeat(kim.with(lea), before);
  kim.hears({ type: "error", number: before.sent.number, message: "User 'lea' not found" });
  assert.equal(before.fate, "unknown");
  await passes(kim, lea);
  assert.deepEqual([lea.texts(kim), lea.said(kim, "error")], [["before", "between"], []]);
}
{
  // A text that cannot be encrypted is refused in its place, and leaves no gap.
  const [kim, lea] = await two();
  const { theirs } = kim.secrecy(lea);
  const { there } = theirs;
  theirs.there = null;
  await kim.writes(lea, "no");
  assert.equal(kim.last(lea).fate, "refused");
  theirs.there = there;
  await kim.writes(lea, "yes");
  await passes(kim, lea);
  assert.deepEqual([lea.last(kim).text, lea.last(kim).note, lea.last(kim).sealed], ["yes", undefined, "yes"]);
}
console.log("encrypted conversations: repeated, withheld, reordered, changed and forged envelopes, changed keys");
