// Files that are sent and taken. The reader asks for one part after the other, so that texts get through between them;
// one that has come back asks for the rest. Nothing is taken unasked, and nothing is a file before its checksum is right.

import { Sha256 } from "./sha256.js";

// Bytes of a part, and parts that may be asked for at a time: the server's numbers.
const PART = 8_192;
const AT_ONCE = 4;
const OFFERS_EACH = 8;
// Time between two offers to a room in which nobody is back after the server has begun anew, and the longest wait, in ms.
const AGAIN = 5_000;
const OFFERED_AGAIN = 300_000;
// Bytes that are read at a time for the checksum.
const STEP = 1 << 20;

export class Files {
  /** `send(message)` sends one; `draw()` shows the state; `isIn()` is true once the server has let this page in. */
  constructor(state, send, draw, isIn) {
    Object.assign(this, { state, send, draw, isIn });
    // Files that are offered, in the order of their offers, which is that of the answers: entry, to whom, blob, sum, and the number of the offer, null before and between two.
    // One to a room has its readers who have begun; when one of them is cut off, it is offered to that person again.
    this.going = [];
    // Files that are offered to this page: entry, sum, the number of the offer, and what is there of it.
    this.coming = [];
  }

  /** Offers a file to the person or the room of a conversation. */
  async offer(place, blob) {
    const entry = this.entry(place, { own: true, from: this.state.me, name: blob.name, size: blob.size, phase: "reading" });
    // Before anything is read of it.
    const refused = await refusalOf(blob.size);
    if (refused) return this.end(entry, "failed", refused);
    const sum = new Sha256();
    try {
      for (let at = 0; at < blob.size; at += STEP) {
        sum.update(new Uint8Array(await blob.slice(at, at + STEP).arrayBuffer()));
        entry.there = Math.min(blob.size, at + STEP);
        this.draw();
      }
    } catch {
      return this.end(entry, "failed", "it cannot be read");
    }
    const to = place.kind === "room" ? { room: place.name } : { to: place.name };
    const going = { entry, to, blob, sum: sum.digest(), file: null, hasBegun: false, isGone: false, goneAt: null, done: 0, readers: new Set() };
    this.going.push(going);
    // Else it is offered with the welcome.
    if (this.isIn()) this.ask(going);
  }

  ask(going) {
    const { entry, to, blob, sum } = going;
    this.going = [...this.going.filter((other) => other !== going), going];
    Object.assign(going, { file: null, isGone: false });
    Object.assign(entry, { phase: "offering", there: 0 });
    this.send({ type: "file_offer", ...to, name: blob.name, size: blob.size, sha256: sum });
    this.draw();
  }

  entry(place, more) {
    const entry = this.state.add(place, { kind: "file", there: 0, why: "", url: null, ...more }, true);
    this.draw();
    return entry;
  }

  end(entry, phase, why = "") {
    Object.assign(entry, { phase, why });
    this.draw();
  }

  /** A button of an entry: accept, decline or cancel. */
  press(number, what) {
    const coming = this.coming.find(({ entry }) => entry.number === number);
    if (what === "accept") {
      if (coming?.entry.phase === "asking") this.goOn(Object.assign(coming, { parts: [], hash: new Sha256() }));
      return;
    }
    for (const one of coming ? [coming] : this.going.filter(({ entry }) => entry.number === number)) {
      if (one.file !== null) this.send({ type: "file_end", file: one.file, how: "declined" });
      this.forget(one, "failed", coming ? "not taken" : "no longer offered");
    }
  }

  forget(one, phase, why) {
    this.coming = this.coming.filter((other) => other !== one);
    this.going = this.going.filter((other) => other !== one);
    // Others of a room may still be at it.
    const isOver = !this.going.some(({ entry, isGone }) => entry === one.entry && !isGone);
    this.end(one.entry, isOver ? phase : "going", why);
  }

  /** Asks for the next parts, or ends what is whole. */
  goOn(coming) {
    const { entry, file } = coming;
    if (entry.phase !== "coming") {
      Object.assign(entry, { phase: "coming" });
      Object.assign(coming, { asked: entry.there, first: entry.there, since: performance.now() });
    }
    while (coming.asked < entry.size && coming.asked < entry.there + AT_ONCE * PART) {
      this.send({ type: "file_ask", file, from: coming.asked });
      coming.asked = Math.min(entry.size, coming.asked + PART);
    }
    if (entry.there === entry.size) this.finish(coming);
    this.draw();
  }

  finish(coming) {
    const { entry, file, parts, hash, sum } = coming;
    const isRight = hash.digest() === sum;
    this.send({ type: "file_end", file, how: isRight ? "done" : "failed" });
    // One that has been pushed out of the conversation meanwhile is there again: its address is given up with it.
    if (entry.isPast) this.state.add(coming.place, entry, true);
    // Of no type that a browser shows: it is kept, never opened as a page.
    if (isRight) entry.url = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
    coming.parts = null;
    this.forget(coming, isRight ? "done" : "failed", isRight ? "checksum right" : "its checksum is wrong");
  }

  /** Takes in a message of the server; returns true if it is about files. */
  hear(event, isLooked) {
    const { type, file, from } = event;
    const going = this.going.find((one) => one.file !== null && one.file === file);
    const coming = this.coming.find((one) => one.file !== null && one.file === file);
    const fits = (one) => one.file === null && !one.isGone && one.sum === event.sha256 && one.entry.size === event.size;
    switch (type) {
      case "welcome":
        this.renew();
        return false;
      case "user_joined":
        this.askAgain("to", event.username);
        return false;
      case "user_renamed":
        for (const { to, readers } of this.going) {
          if (to.to === event.username) to.to = event.to;
          if (readers.delete(event.username)) readers.add(event.to);
        }
        for (const { entry } of this.coming) if (entry.from === event.username) entry.from = event.to;
        return false;
      case "room_joined":
      case "room_created":
        this.askAgain("room", event.room);
        return false;
      case "file_announced": {
        const one = this.going.find(fits);
        if (one) Object.assign(one, { file, people: event.people, goneAt: null });
        if (one) this.end(one.entry, "offered", event.people > 1 ? `to ${event.people} people` : "");
        break;
      }
      case "file_refused": {
        const one = this.going.find(fits);
        // One that has begun, or was offered before the server began anew, is offered again when its reader is back.
        if (one && (one.hasBegun || (one.goneAt !== null && !one.to.room))) this.pause(one, `waits for its reader: ${event.message}`);
        // The others of a room may enter it after this page.
        else if (one?.to.room && one.goneAt !== null && performance.now() < one.goneAt + OFFERED_AGAIN) this.pauseOfRoom(one, event.message);
        else if (one) this.forget(one, "failed", event.message);
        break;
      }
      case "file_asked":
        if (going?.to.room && event.username) going.readers.add(event.username);
        if (going) this.give(going, event);
        else this.send({ type: "file_end", file, how: "failed" });
        break;
      case "file_offered":
        this.offered(event, isLooked);
        break;
      case "file_part":
        if (coming && from === coming.entry.there && coming.entry.phase === "coming") this.take(coming, event.data);
        break;
      case "file_ended":
        if (coming) this.senderEnded(coming, event);
        else if (going) this.readerEnded(going, event);
        break;
      default:
        return false;
    }
    return true;
  }

  offered({ file, username, room, name, size, sha256 }, isLooked) {
    // One that comes under a number of its own is another, though it be the same file.
    const isIt = ({ entry, sum, isGone }) => isGone && entry.from === username && sum === sha256 && entry.size === size;
    const known = this.coming.find(isIt);
    if (known) return this.goOn(Object.assign(known, { file, isGone: false }));
    const place = this.state.place(room ? "room" : "person", room ?? username);
    const entry = this.entry(place, { own: false, from: username, name, size, phase: "asking" });
    if (!(isLooked && place === this.state.here)) place.unread += 1;
    this.coming.push({ entry, place, sum: sha256, file });
  }

  /** Parts go in the order in which they were asked for, however long each takes to be read. */
  give(going, asked) {
    going.last = (going.last ?? Promise.resolve()).then(() => this.giveNext(going, asked));
  }

  async giveNext(going, { file, reader, from }) {
    const { blob, entry } = going;
    if (going.file !== file) return;
    if (!going.hasBegun || entry.phase !== "going") Object.assign(going, { hasBegun: true, since: performance.now(), first: from });
    try {
      const bytes = new Uint8Array(await blob.slice(from, from + PART).arrayBuffer());
      if (going.file !== file) return;
      this.send({ type: "file_part", file, reader, from, data: btoa(String.fromCharCode(...bytes)) });
      entry.there = Math.max(entry.there, from + bytes.length);
      entry.rate = rateOf(going, entry.there);
      this.end(entry, "going");
    } catch {
      this.send({ type: "file_end", file, how: "failed" });
      this.forget(going, "failed", "it cannot be read");
    }
  }

  take(coming, data) {
    const { entry } = coming;
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    if (bytes.length !== Math.min(PART, entry.size - entry.there)) return;
    coming.parts.push(bytes);
    coming.hash.update(bytes);
    entry.there += bytes.length;
    entry.rate = rateOf(coming, entry.there);
    this.goOn(coming);
  }

  senderEnded(coming, { how }) {
    if (how === "gone" && coming.entry.phase === "coming") this.pause(coming, "its sender has left");
    else this.forget(coming, "failed", how === "failed" ? "it could not be read" : "offered no longer");
  }

  readerEnded(going, { username, how }) {
    const { entry, to } = going;
    const words = { done: `${username} has it`, declined: `${username} does not take it`, failed: `${username} could not take it` };
    const why = words[how] ?? `${username} has left`;
    const isCut = how === "gone" && (to.room ? going.readers.has(username) : going.hasBegun);
    going.done += 1;
    going.readers.delete(username);
    if (isCut && !to.room) this.pause(going, "waits for its reader");
    else if (to.room && going.done < going.people) this.end(entry, "going", why);
    else this.forget(going, how === "done" ? "done" : "failed", why);
    if (isCut && to.room) this.split(going, username);
    // There may be room for one that was refused because of the others.
    if (this.going.length >= OFFERS_EACH) this.askAgain("to");
  }

  /** A room's file goes on with one reader alone, once that is there again. */
  split(going, reader) {
    const one = { ...going, to: { to: reader }, readers: new Set(), hasBegun: true, goneAt: null };
    this.going.push(one);
    this.pause(one, `${reader} has left and may come back`);
    return one;
  }

  /** Offers again what waits for somebody, or for one's own way back into a room. */
  askAgain(kind, name) {
    const isIt = ({ isGone, to }) => isGone && to[kind] !== undefined && (!name || to[kind].toLowerCase() === name.toLowerCase());
    for (const one of this.going.filter(isIt)) this.ask(one);
  }

  pause(one, why) {
    Object.assign(one, { file: null, isGone: true, goneAt: one.goneAt ?? performance.now() });
    const isOthers = this.going.some((other) => other !== one && other.entry === one.entry && !other.isGone);
    this.end(one.entry, isOthers ? "going" : "paused", why);
  }

  pauseOfRoom(one, why) {
    this.pause(one, `waits for the others: ${why}`);
    this.again ??= setTimeout(() => {
      this.again = null;
      this.askAgain("room");
    }, AGAIN);
  }

  /** The server knows nothing of before: what was under way is offered again, by whoever sends it. */
  renew() {
    for (const coming of this.coming) {
      if (["coming", "paused"].includes(coming.entry.phase)) this.pause(coming, "waits for its sender");
      else this.forget(coming, "failed", "offered no longer");
    }
    for (const going of [...this.going]) {
      if (!going.to.room) this.ask(Object.assign(going, { goneAt: going.goneAt ?? performance.now() }));
      // To all of a room again, it would be offered to those who have it.
      else if (going.readers.size || going.done) {
        for (const reader of going.readers) this.ask(this.split(going, reader));
        const others = going.done + going.readers.size < going.people;
        this.forget(going, "failed", others ? "offered no longer to those who had not begun" : "");
      } else this.pause(going, "waits until you are in the room");
    }
  }
}

/** The reason for which the server would not take a file of so many bytes; empty if it says none. */
async function refusalOf(size) {
  try {
    const { max_file } = await (await fetch("/api/limits")).json();
    const [, number, unit] = /^(\d+)([KMG]i)?B$/.exec(max_file) ?? [];
    const most = Number(number) * 1_024 ** ["", "Ki", "Mi", "Gi"].indexOf(unit ?? "");
    if (most === 0) return "this server takes no files";
    return size > most ? `it is larger than ${max_file}, the most that this server takes` : "";
  } catch {
    return "";
  }
}

function rateOf({ first, since }, there) {
  return (there - first) / Math.max(1, performance.now() - since);
}
