// The page's knowledge, and the changes that each message of the server makes in it. No element of the page is
// named here.

/** Key of the conversation with everyone. */
export const ALL = "all:";
/** Entries that a conversation keeps: a page may be open for days. */
const KEPT = 500;
/** Time after a server has begun anew in which a text waits for a person who was there before, in ms. */
export const COMES_BACK = 60_000;

/** The server's refusal of a text to somebody who is not there. */
const NO_SUCH_PERSON = /^User '.*' not found$/;

export const keyOf = (kind, name) => `${kind}:${name.toLowerCase()}`;

export class State {
  constructor() {
    this.me = null;
    this.isHidden = false;
    this.people = [];
    this.rooms = [];
    this.places = new Map();
    this.place("all", "");
    this.current = ALL;
    // Own texts that have not come back, oldest first.
    this.pending = [];
    // Until this instant of `performance.now()`, the people of the server before may come back.
    this.awaitsUntil = 0;
    this.before = new Set();
    this.entries = 0;
  }

  /** The conversation of this kind and name, which begins if there is none. */
  place(kind, name) {
    const key = keyOf(kind, name);
    let place = this.places.get(key);
    if (!place) {
      place = { key, kind, name, entries: [], unread: 0, draft: "", isMember: kind !== "room" };
      this.places.set(key, place);
    }
    return place;
  }

  get here() {
    return this.places.get(this.current) ?? this.places.get(ALL);
  }

  get unread() {
    let sum = 0;
    for (const { unread } of this.places.values()) sum += unread;
    return sum;
  }

  select(key) {
    if (this.places.has(key)) this.current = key;
    this.here.unread = 0;
  }

  /** Appends an entry to a conversation; `isLooked` is true if the person sees it at once. */
  add(place, entry, isLooked) {
    entry.number = ++this.entries;
    entry.at ??= Date.now() / 1000;
    place.entries.push(entry);
    entry.isPast = false;
    for (const past of place.entries.splice(0, Math.max(0, place.entries.length - KEPT))) {
      past.isPast = true;
      // Else the browser keeps the file as long as the page.
      if (past.url) URL.revokeObjectURL(past.url);
    }
    const isNews = entry.kind === "alarm" || (entry.kind === "text" && !entry.own && !entry.past);
    if (isNews && !(isLooked && place === this.here)) place.unread += 1;
    return entry;
  }

  /** An own text on its way. */
  addOwn(place, text, sent) {
    const entry = this.add(place, { kind: "text", own: true, from: this.me, text, fate: "sending", sent }, true);
    this.pending.push({ place, entry });
    return entry;
  }

  /** An own text has come back: it takes the place of the one that was on its way. */
  ownCame(place, text, at, isLooked, isThis) {
    const n = this.pending.findIndex(isThis);
    if (n < 0) {
      this.add(place, { kind: "text", own: true, from: this.me, text, at }, isLooked);
      return;
    }
    const [{ entry }] = this.pending.splice(n, 1);
    entry.fate = null;
    entry.at = at;
    entry.text = text;
    entry.took = performance.now() - entry.sent.at;
  }

  /** An own text on its way was refused; false if it was none. */
  ownRefused(words, isThis) {
    const n = this.pending.findIndex(isThis);
    if (n < 0) return false;
    const own = this.pending[n];
    if (this.awaits(own, words)) {
      own.isWaiting = true;
      Object.assign(own.entry, { fate: "waiting", sent: { ...own.entry.sent, number: null }, why: `${own.place.name} is not back` });
      return true;
    }
    const [{ entry }] = this.pending.splice(n, 1);
    // The server of before may have delivered it.
    entry.fate = entry.isAgain ? "unknown" : "refused";
    entry.why = words;
    return true;
  }

  /** True of a private text to a person who is not back yet at a server that has begun anew; its two pages encrypt again first. */
  awaits({ place, entry }, words) {
    const isAway = place.kind === "person" && this.before.has(place.name.toLowerCase()) && NO_SUCH_PERSON.test(words);
    return isAway && !entry.sealed && performance.now() < this.awaitsUntil;
  }

  isHere(name) {
    return this.people.some((other) => other.toLowerCase() === name.toLowerCase());
  }

  /** The own texts that have waited for a person, who is here now. */
  takeAwaited(name) {
    const found = this.pending.filter(({ place, isWaiting }) => isWaiting && place.name.toLowerCase() === name.toLowerCase());
    for (const own of found) Object.assign(own, { isWaiting: false }).entry.fate = "sending";
    return found;
  }

  /** People who are not back by now are awaited no longer. */
  endWaiting() {
    this.awaitsUntil = 0;
    for (const own of this.pending.filter(({ isWaiting }) => isWaiting)) this.ownRefused(own.entry.why, (other) => other === own);
  }

  /** A command that the server has not heard, and that is not given again. */
  unsaid(line) {
    this.add(this.here, { kind: "notice", text: `not sent: ${line}` }, true);
  }

  /** The server knows nothing of before, and numbers begin anew; a text that is being encrypted goes to the new one anyway. */
  loseServer() {
    if (performance.now() >= this.awaitsUntil) this.before.clear();
    for (const name of this.people) this.before.add(name.toLowerCase());
    for (const own of this.pending) {
      own.isLost ||= own.entry.sent.number !== null;
      own.entry.sent = { ...own.entry.sent, number: null };
    }
  }

  /** The own texts that a new server has to be told again. */
  takeLost() {
    const lost = this.pending.filter(({ isLost, isWaiting }) => isLost || isWaiting);
    for (const own of lost) {
      // One that has waited is known not to have been delivered.
      own.entry.isAgain ||= own.isLost === true;
      Object.assign(own, { isLost: false, isWaiting: false }).entry.fate = "sending";
    }
    return lost;
  }

  /** Takes in a message of the server; returns true if there is anything to be shown. */
  hear(event, isLooked) {
    const { type, username: who, message: text, room, to, timestamp: at } = event;
    const all = this.place("all", "");
    const notice = (place, words) => this.add(place, { kind: "notice", text: words, at }, isLooked);
    const answers = ({ entry }) => entry.sent.number === event.number;
    const said = (place, past) => {
      if (past && place.entries.some((entry) => entry.from === who && entry.at === at && entry.text === text)) return;
      // An own text that was said before the server began anew, and whose echo was lost with it.
      const isSame = (own) => own.place === place && own.entry.text.trim() === text;
      const isThis = past ? isSame : answers;
      if (who === this.me && (!past || this.pending.some(isSame))) this.ownCame(place, text, at, isLooked, isThis);
      else this.add(place, { kind: "text", own: who === this.me, from: who, text, at, past }, isLooked);
    };
    switch (type) {
      case "welcome":
        this.people = event.users;
        this.me = event.users.at(-1);
        this.isHidden = false;
        break;
      case "user_joined":
        if (!this.people.includes(who)) this.people.push(who);
        this.note(who, `${who} came in`, at);
        break;
      case "user_left":
        this.people = this.people.filter((name) => name !== who);
        this.note(who, `${who} left`, at);
        break;
      case "user_renamed":
        this.rename(who, to);
        this.note(to, `${who} is now ${to}`, at);
        break;
      case "renamed":
        this.rename(this.me, to);
        this.me = to;
        notice(this.here, `You are now ${to}`);
        break;
      case "users":
        this.people = event.users;
        this.answer("Here are: " + event.users.join(", "));
        break;
      case "rooms":
        this.rooms = event.rooms;
        this.answer(event.rooms.length ? "Rooms: " + event.rooms.join(", ") : "There is no room yet");
        break;
      case "chat":
        if (who === "server") notice(this.here, text);
        else said(all, event.past);
        break;
      case "private":
        said(this.place("person", who));
        break;
      case "private_sent":
        this.ownCame(this.place("person", to), text, at, isLooked, answers);
        break;
      case "room":
        said(this.place("room", room));
        break;
      case "room_created":
      case "room_joined":
        this.enter(room);
        break;
      case "room_left":
        this.leave(room, "You left the room");
        break;
      case "room_closed":
        this.leave(room, `${who} closed the room`);
        this.rooms = this.rooms.filter((name) => name !== room);
        break;
      case "invitation":
        notice(this.here, `${who} invites you to the room ${room}: /join ${room}`);
        if (!this.rooms.includes(room)) this.rooms.push(room);
        break;
      case "invited":
        notice(this.here, `${to} is invited to the room ${room}`);
        break;
      case "hidden":
      case "revealed":
        this.isHidden = type === "hidden";
        notice(this.here, this.isHidden ? "You are out of the list of people" : "You are in the list of people again");
        break;
      case "help":
        notice(this.here, text);
        break;
      case "pong":
        if (this.pings > 0) {
          this.pings -= 1;
          notice(this.here, "The server answers");
        }
        break;
      case "error":
        this.forgetWanted();
        if (!this.ownRefused(text, answers)) this.add(this.here, { kind: "error", text, at }, isLooked);
        break;
      default:
        return false;
    }
    return true;
  }

  /** A notice about a person: to everyone, and where one talks to that person. */
  note(who, words, at) {
    this.add(this.place("all", ""), { kind: "notice", text: words, at }, true);
    const own = this.places.get(keyOf("person", who));
    if (own) this.add(own, { kind: "notice", text: words, at }, true);
  }

  /** Shows the answer to a list that a person has asked for, not to those of the page itself. */
  answer(words) {
    if (this.lists > 0) {
      this.lists -= 1;
      this.add(this.here, { kind: "notice", text: words }, true);
    }
  }

  rename(from, to) {
    this.people = this.people.map((name) => (name === from ? to : name));
    const before = this.places.get(keyOf("person", from));
    if (!before) return;
    const wasCurrent = this.current === before.key;
    this.places.delete(before.key);
    const there = this.places.get(keyOf("person", to));
    if (there) {
      before.entries.unshift(...there.entries);
      before.unread += there.unread;
      before.draft ||= there.draft;
    }
    Object.assign(before, { key: keyOf("person", to), name: to });
    this.places.set(before.key, before);
    if (wasCurrent) this.current = before.key;
  }

  hasRoom(name) {
    return this.rooms.some((room) => room.toLowerCase() === name.toLowerCase());
  }

  enter(room) {
    const place = this.place("room", room);
    if (!this.rooms.includes(room)) this.rooms.push(room);
    if (!place.isMember) this.add(place, { kind: "notice", text: "You are in the room" }, true);
    place.isMember = true;
    if (place.isWanted) this.select(place.key);
    place.isWanted = false;
  }

  /** A room was refused: if there is nothing else about it, it is not shown. */
  forgetWanted() {
    for (const place of this.places.values()) {
      if (!place.isWanted) continue;
      place.isWanted = false;
      const isKnown = place.isMember || place.entries.length > 0 || this.rooms.includes(place.name);
      if (!isKnown && place !== this.here) this.places.delete(place.key);
    }
  }

  leave(room, words) {
    const place = this.place("room", room);
    place.isMember = false;
    this.add(place, { kind: "notice", text: words }, true);
  }
}
