// Encrypted conversations of two pages. Their envelopes, which the server passes on and does not understand:
//
//   1.key.ask.KEY, 1.key.tell.KEY      the public key of the page that sends it; the first asks for the other's
//   1.text.FROM.TO.N.BEFORE.DATA       message N between two keys, and the number of the last one before it that was not refused
//   1.unread.N                         message N could not be decrypted
//
// No element of the page is named here.

import { Keys, open, seal } from "./seal.js";

// Numbers of messages that have not come and may come late.
const MISSING = 1_000;

export class Talks {
  /** `send(message)` sends one; `draw()` shows the state. */
  constructor(state, send, draw) {
    Object.assign(this, { state, send, draw });
    // By public key, and for the life of the page: a number is never used twice.
    this.ways = new Map();
    // Envelopes that are no texts, by the number of the message: the conversation.
    this.sent = new Map();
    this.turn = Promise.resolve();
  }

  /** What is secret about a conversation: "off", "asked" or "on", the other's key, and one that has come in its place. */
  of(place) {
    place.secrecy ??= { phase: "off", theirs: null, changed: null, isCompared: false };
    return place.secrecy;
  }

  isOn(place) {
    return place.kind === "person" && this.of(place).phase !== "off";
  }

  /** The reason for which nothing can be written just now. */
  holds(place) {
    if (!this.isOn(place)) return "";
    const { theirs, changed } = this.of(place);
    if (changed) return `${place.name}'s key has changed: accept it first, or stop encrypting`;
    return theirs ? "" : `${place.name}'s page has not sent its key yet`;
  }

  /** One after the other, in the order in which things happened. */
  then(task) {
    const failed = (error) => this.say(this.state.here, "error", `Encryption has failed: ${error.message}`);
    this.turn = this.turn.then(task).catch(failed).finally(() => this.draw());
    return this.turn;
  }

  /** A person turns a switch of the conversation. */
  press(place, what) {
    const secrecy = this.of(place);
    if (what === "encrypt") {
      secrecy.phase = secrecy.theirs ? "on" : "asked";
      this.tell(place, "ask");
    } else if (what === "stop") {
      secrecy.phase = "off";
      this.say(place, "notice", `You no longer encrypt what you write to ${place.name}`);
    } else if (what === "same") {
      secrecy.isCompared = true;
      this.say(place, "notice", `You have compared the numbers: the keys are yours and ${place.name}'s`);
    } else if (what === "accept") {
      Object.assign(secrecy, { theirs: secrecy.changed, changed: null, isCompared: false });
      this.say(place, "notice", `You have accepted ${place.name}'s new key: compare the numbers`);
    }
    this.draw();
  }

  say(place, kind, text) {
    this.state.add(place, { kind, text }, true);
  }

  /** An envelope that is no text. */
  give(place, words) {
    this.sent.set(this.send({ type: "sealed", to: place.name, message: `1.${words}` }).number, place);
  }

  tell(place, how) {
    return this.then(async () => this.give(place, `key.${how}.${(await this.own()).shown}`));
  }

  async own() {
    this.keys ??= await Keys.draw();
    return this.keys;
  }

  async way(shown) {
    if (!this.ways.has(shown)) {
      this.ways.set(shown, { ...(await (await this.own()).ways(shown)), n: 0, said: [], before: 0, last: 0, missing: new Set() });
    }
    return this.ways.get(shown);
  }

  /** Encrypts an own text and sends it. */
  write(place, words) {
    const entry = this.state.addOwn(place, words, { number: null, at: performance.now() });
    const way = this.of(place).theirs;
    entry.sealed = "yes";
    this.then(async () => {
      const { id } = await this.own();
      // Those that were refused are no gap.
      way.said = way.said.filter((other) => other.fate !== "refused");
      while (way.said[0]?.fate === null) way.before = way.said.shift().n;
      entry.n = ++way.n;
      const head = `1.text.${id}.${way.id}.${entry.n}.${way.said.at(-1)?.n ?? way.before}`;
      way.said.push(entry);
      entry.envelope = `${head}.${await seal(way.there, entry.n, head, words)}`;
      this.repeat(place, entry);
    });
    return entry;
  }

  /** Sends the same envelope, so that nothing is read twice; one that is not made yet goes when it is. */
  repeat(place, entry) {
    if (entry.envelope) entry.sent = this.send({ type: "sealed", to: place.name, message: entry.envelope });
  }

  /** The server knows nothing of before: who waits for a key asks again. */
  renew() {
    this.sent.clear();
    for (const place of this.state.places.values()) if (place.secrecy?.phase === "asked") this.tell(place, "ask");
  }

  /** Takes in a message of the server; returns true if it is about envelopes. */
  hear(event, isLooked) {
    const { type, number, timestamp: at } = event;
    const place = this.sent.get(number);
    if (type === "error" && place) {
      this.sent.delete(number);
      if (this.of(place).phase === "asked") {
        place.secrecy.phase = "off";
        this.say(place, "error", event.message);
      }
    } else if (type === "sealed_sent") {
      const isThis = ({ entry }) => entry.sent.number === number;
      const own = this.state.pending.find(isThis);
      if (own) this.state.ownCame(own.place, own.entry.text, at, isLooked, isThis);
      this.sent.delete(number);
    } else if (type === "sealed") this.receive(this.state.place("person", event.username), event.message, at, isLooked);
    else return false;
    return true;
  }

  receive(place, envelope, at, isLooked) {
    const [, version, kind, rest] = /^(\d+)\.([a-z]+)\.(.*)$/s.exec(envelope) ?? [];
    const parts = rest?.split(".") ?? [];
    if (version === "1" && kind === "text" && parts.length === 5) {
      // It has its place among the others before it is open.
      const entry = this.state.add(place, { kind: "text", own: false, from: place.name, text: "…", at, sealed: "yes" }, isLooked);
      this.then(() => this.read(place, entry, envelope));
    } else if (version === "1" && kind === "key" && parts.length === 2) this.then(() => this.learn(place, ...parts));
    else if (version === "1" && kind === "unread") this.unread(place, Number(rest));
    else this.say(place, "error", `${place.name} has sent something encrypted that this page does not understand`);
  }

  /** A key has come: the first, the same, or another one. */
  async learn(place, how, shown) {
    const secrecy = this.of(place);
    const way = await this.way(shown).catch(() => null);
    if (!way || shown === this.keys.shown) return this.say(place, "alarm", `⚠ What came as ${place.name}'s key is none: somebody may be in between`);
    if (how === "ask") this.give(place, `key.tell.${this.keys.shown}`);
    if (secrecy.theirs && secrecy.theirs !== way) {
      if (secrecy.changed !== way) {
        const why = `${place.name}'s page was opened anew, or somebody is in between`;
        this.say(place, "alarm", `⚠ ${place.name}'s key has changed: ${why}. Compare the new numbers before you write.`);
      }
      secrecy.changed = way;
      return;
    }
    if (secrecy.changed) this.say(place, "alarm", `⚠ ${place.name}'s key is the earlier one again`);
    if (secrecy.phase !== "on") this.say(place, "notice", `You and ${place.name} write in encryption now: compare the numbers`);
    Object.assign(secrecy, { theirs: way, changed: null, phase: "on" });
  }

  /** Opens a text, and says what is wrong with it or with its order. */
  async read(place, entry, envelope) {
    const { theirs, changed } = this.of(place);
    const [, , from, to, number, number_before, data] = envelope.split(".");
    const [n, before] = [Number(number), Number(number_before)];
    const fails = (why) => Object.assign(entry, { kind: "error", text: `An encrypted message of ${place.name} cannot be read: ${why}` });
    const asksAnew = (why) => {
      fails(why);
      this.give(place, `unread.${n}`);
      this.give(place, `key.ask.${this.keys.shown}`);
    };
    if (to !== (await this.own()).id) return asksAnew("it is for a key that this page does not have, as one that was opened anew has not");
    const way = [theirs, changed].find((one) => one?.id === from);
    if (!way) return asksAnew("its key is not known to this page");
    try {
      entry.text = await open(way.back, n, envelope.slice(0, envelope.lastIndexOf(".")), data);
    } catch {
      fails("it was changed on its way, or forged");
      return this.give(place, `unread.${n}`);
    }
    if (way === changed) entry.sealed = "new";
    if (n > way.last) {
      const gap = Math.max(0, before - way.last);
      for (let k = 0; k < gap && way.missing.size < MISSING; k += 1) way.missing.add(before - k);
      if (gap) entry.note = `⚠ ${gap === 1 ? "a message" : `${gap} messages`} before this one did not come`;
      way.last = n;
    } else if (way.missing.delete(n)) entry.note = "⚠ came late, out of its order";
    else fails(`number ${n} came a second time, or after it was given up; it is shown once`);
  }

  /** The other page could not read one. */
  unread(place, n) {
    const entry = place.entries.find((one) => one.own && one.n === n && one.fate === null);
    if (entry) Object.assign(entry, { fate: "refused", why: `${place.name}'s page could not read it` });
    else this.say(place, "error", `${place.name}'s page could not read an encrypted message`);
  }
}
