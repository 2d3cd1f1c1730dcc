// Hints that somebody is writing: sent now and then while one writes, shown for a few seconds, kept nowhere.

import { keyOf } from "./state.js";

// Time between two that are sent, and for which one is shown.
const EACH = 3_000;
const SHOWN_FOR = 5_000;

export class Hints {
  /** `send(message)` sends one; `show(names)` says who is writing in the conversation that is open. */
  constructor(state, send, show) {
    Object.assign(this, { state, send, show });
    this.isOn = true;
    this.sent = { key: null, at: 0 };
    // By conversation: names, and until when each is shown.
    this.writing = new Map();
    setInterval(() => this.look(), 500);
  }

  turn(isOn) {
    this.isOn = isOn;
    this.writing.clear();
    this.look();
  }

  /** One writes this in a conversation. */
  writes({ key, kind, name }, text) {
    const now = performance.now();
    if (!this.isOn || kind === "all" || !text.trim() || text.startsWith("/")) return;
    if (this.sent.key === key && now - this.sent.at < EACH) return;
    this.sent = { key, at: now };
    this.send({ type: "typing", ...(kind === "room" ? { room: name } : { to: name }) });
  }

  /** The text has gone: with the next, one begins to write again. */
  hasSent() {
    this.sent.key = null;
  }

  /** Takes in a message of the server; returns true if it is a hint. */
  hear({ type, username, room }) {
    const key = room ? keyOf("room", room) : keyOf("person", username ?? "");
    if (type === "typing") {
      if (!this.isOn) return true;
      if (!this.writing.has(key)) this.writing.set(key, new Map());
      this.writing.get(key).set(username, performance.now() + SHOWN_FOR);
    } else if (["private", "sealed", "room", "user_left"].includes(type)) {
      this.writing.get(key)?.delete(username);
    } else return false;
    this.look();
    return type === "typing";
  }

  look() {
    const now = performance.now();
    for (const [key, names] of this.writing) {
      for (const [name, until] of names) if (until < now) names.delete(name);
      if (!names.size) this.writing.delete(key);
    }
    this.show([...(this.writing.get(this.state.current)?.keys() ?? [])]);
  }
}
