// The page as it is shown. It is drawn from the state; the log appends what is new.

import { ALL } from "./state.js";
import { drawFile, lookOf, updateFile } from "./view-files.js";
import { drawSecrecy, signOf } from "./view-secrecy.js";
import { element, isEmoji, nodesOf } from "./text.js";

const byId = (id) => document.getElementById(id);
// Time for which good news stay.
const SHOWN_FOR = 8_000;
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WHOLE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export class View {
  constructor(state) {
    this.state = state;
    this.log = byId("log");
    this.shown = null;
    // By the entry's number.
    this.drawn = new Map();
    // One that reads the end goes on reading it when the window changes.
    new ResizeObserver(() => {
      this.height = this.log.clientHeight;
      if (this.isAtEnd) this.goToEnd();
    }).observe(this.log);
    this.log.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.log;
      // Nobody has scrolled where the window is another one: its observer comes after this.
      if (clientHeight === this.height) this.isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
    });
    this.isAtEnd = true;
  }

  goToEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.isAtEnd = true;
  }

  /** The form at the door, with the reason for which one is not in. */
  showDoor(refusal = "") {
    byId("door").hidden = false;
    byId("chat").hidden = true;
    byId("refusal").textContent = refusal;
    byId("name").focus();
  }

  showChat() {
    if (byId("chat").hidden) {
      byId("door").hidden = true;
      byId("chat").hidden = false;
      byId("text").focus();
    }
  }

  status(words, isBroken = false) {
    const status = byId("status");
    status.textContent = words;
    status.classList.toggle("broken", isBroken);
    clearTimeout(this.passing);
    if (words && !isBroken) this.passing = setTimeout(() => this.status(""), SHOWN_FOR);
  }

  /** Says who is writing. */
  writing(names) {
    const words = names.length > 3 ? "several people are writing…" : `${names.join(", ")} ${names.length > 1 ? "are" : "is"} writing…`;
    byId("writing").textContent = names.length ? words : "";
  }

  draw() {
    const { state } = this;
    const here = state.here;
    byId("title").textContent = titleOf(here);
    byId("me").textContent = state.me ?? "";
    byId("hide").textContent = state.isHidden ? "reveal" : "hide";
    byId("hide").setAttribute("aria-pressed", String(state.isHidden));
    byId("people-count").textContent = String(state.people.length);
    const all = state.places.get(ALL);
    const rooms = new Map(state.rooms.map((name) => [name.toLowerCase(), name]));
    const people = new Map(state.people.map((name) => [name.toLowerCase(), name]));
    for (const { kind, name } of state.places.values()) {
      if (kind === "room" && !rooms.has(name.toLowerCase())) rooms.set(name.toLowerCase(), name);
      if (kind === "person" && !people.has(name.toLowerCase())) people.set(name.toLowerCase(), name);
    }
    people.delete(state.me?.toLowerCase());
    this.drawList("rooms", [["all", "", all], ...[...rooms.values()].map((name) => ["room", name])]);
    this.drawList("people", [...people.values()].map((name) => ["person", name]));
    const unread = state.unread;
    byId("menu-unread").hidden = unread === 0;
    byId("menu-unread").textContent = String(unread);
    document.title = (unread ? `(${unread}) ` : "") + "testbed chat";
    drawSecrecy(here);
    this.drawLog(here);
  }

  drawList(id, wanted) {
    const list = byId(id);
    const items = wanted.map(([kind, name]) => this.placeItem(kind, name));
    const before = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    list.replaceChildren(...items);
    if (before) [...list.querySelectorAll("button")].find(({ dataset }) => dataset.key === before)?.focus();
  }

  placeItem(kind, name) {
    const { state } = this;
    const key = `${kind}:${name.toLowerCase()}`;
    const place = state.places.get(key);
    const item = element("li");
    const button = element("button", undefined, "place");
    button.type = "button";
    Object.assign(button.dataset, { key, kind, name });
    button.append(element("span", titleOf({ kind, name })));
    const isAway = kind === "person" && !state.isHere(name);
    button.classList.toggle("away", isAway);
    button.classList.toggle("outside", kind === "room" && !place?.isMember);
    if (isAway) button.title = "not in the list of people";
    if (state.current === key) button.setAttribute("aria-current", "true");
    if (place?.unread) {
      const badge = element("span", String(place.unread), "badge");
      badge.setAttribute("aria-label", `${place.unread} unread`);
      button.append(badge);
    }
    item.append(button);
    if (kind === "room" && place?.isMember) {
      const leave = element("button", "×", "quiet");
      leave.type = "button";
      leave.setAttribute("aria-label", `leave ${name}`);
      leave.dataset.leaves = name;
      item.append(leave);
    }
    return item;
  }

  drawLog(place) {
    const { log } = this;
    let { isAtEnd } = this;
    if (this.shown !== place) {
      this.shown = place;
      isAtEnd = true;
      this.drawn.clear();
      // A screen reader is not to read what is old.
      log.setAttribute("aria-live", "off");
      log.replaceChildren();
      requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
    }
    const kept = new Set(place.entries.map(({ number }) => number));
    for (const [number, { node }] of this.drawn) {
      if (!kept.has(number)) {
        node.remove();
        this.drawn.delete(number);
      }
    }
    for (const entry of place.entries) {
      const isFile = entry.kind === "file";
      const look = isFile ? `${lookOf(entry)}|${signOf(entry, place)}` : `${entry.fate}|${entry.took}|${entry.again}|${entry.kind}|${entry.note}|${signOf(entry, place)}|${entry.text}`;
      const before = this.drawn.get(entry.number);
      if (before?.look === look) {
        // Its buttons stay what they are while it moves.
        if (isFile) updateFile(before.node, entry);
        continue;
      }
      const node = drawEntry(entry, signOf(entry, place));
      if (before) before.node.replaceWith(node);
      else log.append(node);
      this.drawn.set(entry.number, { node, look });
    }
    if (isAtEnd || place.entries.at(-1)?.own) this.goToEnd();
  }

  /** Opens or closes the list of conversations on a narrow page. */
  openPlaces(open) {
    byId("places").classList.toggle("open", open);
    byId("menu").setAttribute("aria-expanded", String(open));
  }
}

/** Name of a conversation. */
export function titleOf({ kind, name }) {
  return { all: "Everyone", room: `#${name}`, person: name }[kind];
}

function drawEntry(entry, sign) {
  const node = element("div", undefined, `entry ${entry.kind}`);
  const time = element("time", TIME.format(entry.at * 1000));
  time.dateTime = new Date(entry.at * 1000).toISOString();
  time.title = WHOLE_TIME.format(entry.at * 1000);
  node.append(time);
  if (entry.kind === "file") {
    drawFile(node, entry, sign);
    return node;
  }
  if (entry.kind !== "text") {
    node.append(element("span", entry.text, "text"));
    return node;
  }
  node.classList.toggle("own", Boolean(entry.own));
  node.classList.toggle("large", isEmoji(entry.text));
  node.append(element("span", entry.from, "who"));
  const text = element("span", undefined, "text");
  text.append(...nodesOf(entry.text));
  node.append(text);
  if (sign) node.append(" ", element("span", sign, "sign"));
  if (entry.note) node.append(" ", element("strong", entry.note, "refusal"));
  const fate = fateOf(entry);
  if (fate) node.append(" ", element("span", fate, "fate"));
  node.classList.toggle("unsent", ["sending", "waiting"].includes(entry.fate));
  node.classList.toggle("refused", ["refused", "unknown"].includes(entry.fate));
  // Shown on demand: see the panel of the network.
  if (entry.took !== undefined) {
    const again = entry.again === undefined ? "" : `, ${entry.again} segment${entry.again === 1 ? "" : "s"} sent again meanwhile`;
    node.append(" ", element("span", `back after ${Math.round(entry.took)} ms${again}`, "took"));
  }
  return node;
}

function fateOf({ fate, why }) {
  if (fate === "sending") return "sending…";
  if (fate === "waiting") return `waits: ${why}`;
  if (fate === "refused") return `not sent: ${why}`;
  if (fate === "unknown") return `perhaps delivered before the server began anew, and not sent again: ${why}`;
  return "";
}
