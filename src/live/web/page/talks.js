// Encrypted conversations of two pages. Their envelopes, which the server passes on and does not understand:
//
//   1.key.ask.KEY, 1.key.tell.KEY      the public key of the page that sends it; the first asks for the other's
//   1.text.FROM.TO.N.BEFORE.DATA       message N between two keys, and the number of the last one before it that was not refused
//   1.unread.TO.N                      message N to this key could not be decrypted
//   1.stop.                            the page that sends it no longer encrypts
//
// No element of the page is named here.

import { Keys, canonical, open, seal } from "./seal.js";
import { keyOf } from "./state.js";

/** The server's commands for a private text, and its others: protocol/commands.rs has both. */
export const WHISPERS = ["/whisper", "/msg", "/dm", "/w", "/pm", "/tell"];
export const COMMANDS = [
  "/help", "/list", "/who", "/exit", "/quit", "/q", "/nick", "/rooms", "/create", "/invite", "/close", "/join", "/leave", "/room",
  "/hide", "/reveal", "/ping",
];

/** Name in the form in which the server looks it up. */
const exact = (name) => name.normalize("NFC").toLowerCase();

/** The key that a person is asked about: the one that has come in the other's place, if there is one. */
export const askedAbout = ({ theirs, changed } = {}) => (changed ?? theirs)?.shown ?? "";

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

  /**
   * Secrecy of a conversation: "off", "asked", "failed" (no key came: `why`) or "on", the other's key, one that has come in its
   * place, and the name under which the person compared the numbers. `hasStopped`: the person wants no encryption; `asks`: this page
   * waits for the key of a message that it could not read.
   */
  of(place) {
    place.secrecy ??= { phase: "off", theirs: null, changed: null, comparedAs: "", hasStopped: false, asks: false, why: "" };
    return place.secrecy;
  }

  isOn(place) {
    return place.kind === "person" && this.of(place).phase !== "off";
  }

  /** The reason for which nothing can be written just now. */
  holds(place) {
    if (!this.isOn(place)) return "";
    const { phase, theirs, changed } = this.of(place);
    if (changed) return `${place.name}'s key has changed: accept it first, or stop encrypting`;
    if (phase === "failed") return `${place.name}'s page has sent no key: encrypt again, or stop encrypting`;
    return theirs ? "" : `${place.name}'s page has not sent its key yet`;
  }

  /** The reason for which a line with a slash, which the server reads, cannot be given to it. */
  leaks(here, line) {
    const [, word, rest] = /^(\S+)\s*(.*)$/s.exec(line);
    const isWhisper = WHISPERS.includes(word.toLowerCase());
    const begins = ({ name }) => exact(rest).startsWith(exact(name)) && /^(\s|$)/.test(exact(rest).slice(exact(name).length));
    const other = isWhisper && [...this.state.places.values()].find((place) => this.isOn(place) && begins(place));
    if (other) return `${word} is not encrypted: write to ${other.name} without a command, or stop encrypting`;
    if (!this.isOn(here)) return "";
    const isKnown = isWhisper || COMMANDS.includes(word.toLowerCase());
    if (isKnown && !line.includes("\n")) return "";
    return `a line that begins with / goes to the server, not encrypted, and ${isKnown ? "this has several lines" : `${word} is no command`}`;
  }

  /** One after the other, in the order in which things happened. */
  then(task) {
    const failed = (error) => this.say(this.state.here, "error", `Encryption has failed: ${error.message}`);
    this.turn = this.turn.then(task).catch(failed).finally(() => this.draw());
    return this.turn;
  }

  /** A person turns a switch of the conversation. One about a key was drawn for the key `shown`: meanwhile there may be another. */
  press(place, what, shown = "") {
    const secrecy = this.of(place);
    const { phase, changed } = secrecy;
    const isAbout = phase === "on" && shown !== "" && shown === askedAbout(secrecy);
    if (what === "encrypt" && (phase === "off" || phase === "failed")) {
      Object.assign(secrecy, { phase: secrecy.theirs ? "on" : "asked", hasStopped: false });
      this.tell(place, "ask");
    } else if (what === "stop" && phase !== "off") {
      Object.assign(secrecy, { phase: "off", hasStopped: true, asks: false });
      this.say(place, "notice", `You no longer encrypt what you write to ${place.name}`);
      // Behind the texts that are being encrypted.
      if (secrecy.theirs) this.then(async () => this.give(place, "stop."));
    } else if (what === "same" && isAbout && !changed) {
      secrecy.comparedAs = place.name;
      this.say(place, "notice", `You have compared the numbers: the keys are yours and ${place.name}'s`);
    } else if (what === "accept" && isAbout && changed) {
      Object.assign(secrecy, { theirs: changed, changed: null, comparedAs: "" });
      this.say(place, "notice", `You have accepted ${place.name}'s new key: compare the numbers`);
    }
    this.draw();
  }

  /** A person has another name. Its key goes with it, but does not replace one of the new name. */
  rename(from, to) {
    const [moved, there] = [from, to].map((name) => this.state.places.get(keyOf("person", name)));
    if (!moved || !there || moved === there) return;
    const [come, own] = [this.of(moved), this.of(there)];
    const secrecy = own.theirs ? own : come;
    const isOn = own.phase !== "off" || come.phase !== "off";
    Object.assign(secrecy, { phase: !isOn ? "off" : secrecy.theirs ? "on" : "asked", hasStopped: !isOn && (own.hasStopped || come.hasStopped) });
    const another = [come.changed, come.theirs].find((way) => way && way !== own.theirs);
    if (own.theirs && another) {
      Object.assign(secrecy, { changed: another, comparedAs: "" });
      this.say(moved, "alarm", `⚠ ${from} has taken the name ${to}, whose key is another: somebody may pass for ${to}. Compare the new numbers before you write.`);
    }
    moved.secrecy = there.secrecy = secrecy;
  }

  /** A registered person is reached by that name, too, and answers under the present one. */
  isCalled(place, name, at) {
    if (!place || !name || keyOf("person", name) === place.key) return;
    const before = place.name;
    this.rename(before, name);
    this.state.rename(before, name);
    this.state.note(name, `${before} is here as ${name}`, at);
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

  async way(key) {
    const shown = await canonical(key);
    if (!this.ways.has(shown)) {
      this.ways.set(shown, { ...(await (await this.own()).ways(shown)), n: 0, said: [], before: 0, last: 0, missing: [] });
    }
    return this.ways.get(shown);
  }

  /** Forgets the keys with which nobody has written or will. */
  prune() {
    const kept = new Set();
    for (const { secrecy } of this.state.places.values()) if (secrecy) kept.add(secrecy.theirs).add(secrecy.changed);
    for (const [shown, way] of this.ways) if (!kept.has(way) && way.n === 0 && way.last === 0) this.ways.delete(shown);
  }

  /** Encrypts an own text and sends it. */
  write(place, words) {
    const entry = this.state.addOwn(place, words, { number: null, at: performance.now() });
    const way = this.of(place).theirs;
    // The number is taken at once: a way that has one is kept.
    Object.assign(entry, { sealed: "yes", to: way.id, n: ++way.n });
    this.then(async () => {
      const { id } = await this.own();
      // Those that were refused are no gap.
      way.said = way.said.filter((other) => other.fate !== "refused");
      while (way.said.length && way.said[0].fate !== "sending") way.before = way.said.shift().n;
      const head = `1.text.${id}.${way.id}.${entry.n}.${way.said.at(-1)?.n ?? way.before}`;
      try {
        entry.envelope = `${head}.${await seal(way.there, entry.n, head, words)}`;
      } catch (error) {
        this.state.ownRefused(`it could not be encrypted: ${error.message}`, ({ entry: own }) => own === entry);
        return;
      }
      way.said.push(entry);
      this.repeat(place, entry);
    });
    return entry;
  }

  /** Sends the same envelope, so that nothing is read twice; one that is not made yet goes when it is. */
  repeat(place, entry) {
    if (entry.envelope) entry.sent = this.send({ type: "sealed", to: place.name, message: entry.envelope });
  }

  /** The server knows nothing of before, and numbers begin anew. */
  loseServer() {
    this.sent.clear();
  }

  /** The page is in again: where it waits for a key, it asks again. */
  renew() {
    for (const place of this.state.places.values()) if (place.secrecy?.phase === "asked") this.tell(place, "ask");
  }

  /** Takes in a message of the server; returns true if it is about envelopes. */
  hear(event, isLooked) {
    const { type, number, timestamp: at } = event;
    const place = this.sent.get(number);
    const other = type === "private" && this.state.places.get(keyOf("person", event.username));
    if (type === "user_renamed") this.rename(event.username, event.to);
    if (type === "renamed") this.rename(this.state.me, event.to);
    if (type === "error" && place) {
      this.sent.delete(number);
      if (this.of(place).phase === "asked") {
        Object.assign(place.secrecy, { phase: "failed", why: event.message });
        this.say(place, "error", event.message);
      }
    } else if (other && this.of(other).phase === "on") {
      this.state.hear(event, isLooked);
      other.entries.at(-1).note = "⚠ came without encryption: the server may have read, changed or written it";
    } else if (type === "sealed_sent") {
      const isThis = ({ entry }) => entry.sent.number === number;
      const own = this.state.pending.find(isThis);
      this.isCalled(own?.place ?? place, event.to, at);
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
      const entry = this.state.add(place, { kind: "text", own: false, from: place.name, text: "…", at, sealed: "opening" }, isLooked);
      this.then(() => this.read(place, entry, envelope));
    } else if (version === "1" && kind === "key" && parts.length === 2) this.then(() => this.learn(place, ...parts));
    else if (version === "1" && kind === "unread" && parts.length === 2) this.unread(place, parts[0], Number(parts[1]));
    else if (version === "1" && kind === "stop") this.stopped(place);
    else this.say(place, "error", `${place.name} has sent something encrypted that this page does not understand`);
  }

  /** A key has come. */
  async learn(place, how, shown) {
    const way = await this.way(shown).catch(() => null);
    this.take(place, how, way);
    this.prune();
  }

  /** Takes a key: the first, the same, or another one. One that nobody has asked for is none of this page's. */
  take(place, how, way) {
    const secrecy = this.of(place);
    if (!way || way.shown === this.keys.shown) return this.say(place, "alarm", `⚠ What came as ${place.name}'s key is none: somebody may be in between`);
    if (how === "ask") this.give(place, `key.tell.${this.keys.shown}`);
    if (secrecy.phase === "off" && how === "tell" && !secrecy.asks) return;
    if (secrecy.theirs && secrecy.theirs !== way) {
      // Once, though keys come one after the other: the buttons name the last.
      if (!secrecy.changed) {
        const why = `${place.name}'s page was opened anew, or somebody is in between`;
        this.say(place, "alarm", `⚠ ${place.name}'s key has changed: ${why}. Compare the new numbers before you write.`);
      }
      secrecy.changed = way;
      return;
    }
    if (secrecy.changed) this.say(place, "notice", `${place.name}'s key is the earlier one again`);
    Object.assign(secrecy, { theirs: way, changed: null, asks: false });
    if (secrecy.phase === "on") return;
    if (secrecy.hasStopped) return this.say(place, "notice", `${place.name} encrypts what comes here; you do not`);
    secrecy.phase = "on";
    this.say(place, "notice", `You and ${place.name} write in encryption now: compare the numbers`);
  }

  /** The other's page says, and anybody in between can say, that it encrypts no longer. */
  stopped(place) {
    if (this.of(place).phase === "on") this.say(place, "notice", `⚠ ${place.name}'s page no longer encrypts: the server can read what comes from now on`);
  }

  /** Opens a text, and says what is wrong with it or with its order. */
  async read(place, entry, envelope) {
    const secrecy = this.of(place);
    const { theirs, changed } = secrecy;
    const [, , from, to, number, number_before, data] = envelope.split(".");
    const [n, before] = [Number(number), Number(number_before)];
    const fails = (why) => Object.assign(entry, { kind: "error", text: `An encrypted message of ${place.name} cannot be read: ${why}` });
    const asksAnew = (why) => {
      fails(why);
      secrecy.asks = !secrecy.hasStopped;
      this.give(place, `unread.${to}.${n}`);
      this.give(place, `key.ask.${this.keys.shown}`);
    };
    if (to !== (await this.own()).id) return asksAnew("it is for a key that this page does not have, as one that was opened anew has not");
    const way = [theirs, changed].find((one) => one?.id === from);
    if (!way) return asksAnew("its key is not known to this page");
    try {
      entry.text = await open(way.back, n, envelope.slice(0, envelope.lastIndexOf(".")), data);
    } catch {
      fails("it was changed on its way, or forged");
      return this.give(place, `unread.${to}.${n}`);
    }
    entry.sealed = way === changed ? "new" : "yes";
    // Messages that have not come and may come late.
    const range = way.missing.find(([first, last]) => first <= n && n <= last);
    if (n > way.last) {
      const gap = Math.max(0, Math.min(before, n - 1) - way.last);
      if (gap) way.missing.push([way.last + 1, way.last + gap]);
      if (gap) entry.note = `⚠ ${gap === 1 ? "a message" : `${gap} messages`} before this one did not come`;
      way.last = n;
    } else if (range) {
      const rest = [[range[0], n - 1], [n + 1, range[1]]].filter(([first, last]) => first <= last);
      way.missing.splice(way.missing.indexOf(range), 1, ...rest);
      entry.note = "⚠ came late, out of its order";
    } else Object.assign(entry, { kind: "notice", text: `Message ${n} of ${place.name} came a second time: it is shown once` });
  }

  /** The other page could not read one. */
  unread(place, to, n) {
    const entry = place.entries.find((one) => one.own && one.to === to && one.n === n);
    const why = `${place.name}'s page could not read it`;
    if (!entry) return this.say(place, "error", `${place.name}'s page could not read an encrypted message`);
    this.state.ownRefused(why, ({ entry: own }) => own === entry);
    Object.assign(entry, { fate: "refused", why });
  }
}
