// The page: joins, sends what is typed, and says what becomes of the connection.

import { Connection } from "./connection.js";
import { Files } from "./files.js";
import { Hints } from "./hints.js";
import { Network } from "./network.js";
import { canSeal } from "./seal.js";
import { COMES_BACK, State } from "./state.js";
import { Talks } from "./talks.js";
import { View } from "./view.js";

// Pause between two looks at the lists of people and rooms, which may change without a word.
const LOOK = 15_000;
// Lines that one may go back to.
const LAST_LINES = 50;

const byId = (id) => document.getElementById(id);
const state = new State();
const view = new View(state);
const lines = { past: [], at: 0 };
let person = null;
let isIn = false;
let hasBeenIn = false;
// True from the welcome of a server that has begun anew until everything is said again.
let isBack = false;
// The clock of people who may come back to that.
let awaiting = null;
let connection = null;
// The present words of `advise`.
let advice = "";

const files = new Files(state, (message) => connection.send(message), draw, () => isIn);
const talks = new Talks(state, (message) => connection.send(message), draw);
const network = new Network(() => connection?.secret, () => state.me);
// A hint that is late is none.
const hints = new Hints(state, (message) => connection?.isOpen && connection.send(message), (names) => view.writing(names));

const isLooked = () => document.visibilityState === "visible" && document.hasFocus();

let isDrawing = false;
/** Draws once, whatever comes until then. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  const then = () => {
    isDrawing = false;
    view.draw();
  };
  // A page that nobody sees gets no frames.
  if (document.hidden) setTimeout(then, 200);
  else requestAnimationFrame(then);
}

function connect() {
  connection?.close();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  connection = new Connection(`${scheme}://${location.host}/chat`, { onEvent, onState });
  connection.open();
}

const join = () => connection.send({ type: "join", resumes: true, files: true, hints: true, sealed: canSeal(), ...person });

function onState(what, unserved = []) {
  if (what === "open") {
    view.status("");
    join();
  } else if (what === "returned") {
    view.status("connected again: nothing was lost");
  } else if (what === "renewed") {
    isIn = false;
    state.loseServer();
    talks.loseServer();
    // A command may have meant what the new server does not have; texts are said again by `state`.
    for (const { message } of unserved) {
      if (message.type === "line") state.unsaid(message.message);
    }
    join();
  } else if (what === "broken") {
    if (!isIn && !state.me) view.showDoor("The server cannot be reached; trying again");
    view.status("no connection: what you write is sent later", true);
  } else if (what === "trying") {
    view.status("connecting again…", true);
  }
}

function onEvent(event) {
  if (event.type === "error" && !isIn) return refuse(event.message);
  const { isHidden } = state;
  if (hints.hear(event)) return;
  if (files.hear(event, isLooked()) || talks.hear(event, isLooked())) return draw();
  state.hear(event, isLooked());
  // Two conversations may have become one.
  if (isLooked()) state.here.unread = 0;
  if (event.type === "welcome") {
    isIn = true;
    connection.send({ type: "rooms" });
    view.showChat();
    isBack = hasBeenIn;
    hasBeenIn = true;
    if (isHidden) connection.send({ type: "hide" });
  }
  if (event.type === "user_joined") state.takeAwaited(event.username).forEach(sayAgain);
  // One that comes back does so under its new name; a registered one, under that of its password.
  if (event.type === "renamed" && !person.password) person.username = event.to;
  // The answer to what was asked behind the welcome: the history has come by now.
  if (event.type === "rooms" && isBack) comeBack();
  if (["room_created", "room_closed", "invitation"].includes(event.type)) connection.send({ type: "rooms" });
  draw();
}

/** The server has begun anew: one is in its rooms again, and says again what it has not heard. */
function comeBack() {
  isBack = false;
  view.status("the server has begun anew: you are in again");
  for (const place of state.places.values()) {
    if (place.kind === "room" && place.isMember) {
      place.isMember = false;
      // One that is gone is not founded again: it may have been private.
      if (state.hasRoom(place.name)) connection.send({ type: "join_room", room: place.name, existing: true });
      else state.leave(place.name, "The room has gone with the server");
    }
  }
  state.awaitsUntil = performance.now() + COMES_BACK;
  clearTimeout(awaiting);
  awaiting = setTimeout(() => {
    state.endWaiting();
    draw();
  }, COMES_BACK);
  state.takeLost().forEach(sayAgain);
  talks.renew();
}

function sayAgain({ place, entry }) {
  if (entry.sealed) talks.repeat(place, entry);
  else entry.sent = connection.send(messageTo(place, entry.text));
}

function refuse(words) {
  connection.close();
  state.me = null;
  view.showDoor(words);
}

function messageTo(place, text) {
  if (place.kind === "person") return { type: "private", to: place.name, message: text };
  if (place.kind === "room") return { type: "room", room: place.name, message: text };
  return { type: "chat", message: text };
}

/** Sends what is typed: a command, or a text to the conversation that is shown. False if it has to stay there. */
function say(text) {
  const words = text.trim();
  if (!words) return true;
  const held = words.startsWith("/") ? talks.leaks(state.here, words) : talks.holds(state.here);
  advise(held);
  if (held) return false;
  lines.past.push(text);
  lines.past.splice(0, lines.past.length - LAST_LINES);
  lines.at = lines.past.length;
  if (words.startsWith("/")) command(words);
  else {
    const place = state.here;
    hints.hasSent();
    const isSealed = talks.isOn(place);
    const entry = isSealed ? talks.write(place, words) : state.addOwn(place, text, connection.send(messageTo(place, text)));
    network.watch(entry, draw);
  }
  draw();
  return true;
}

/** Says why something does not go, until something else is done; what the connection has to say meanwhile stays. */
function advise(words) {
  if (words || byId("status").textContent === advice) view.status(words);
  advice = words;
}

/** A line as in the terminal: the server understands it. */
function command(words) {
  const [word, ...rest] = words.split(/\s+/);
  const name = rest.find((part) => !part.startsWith("--"));
  if (["/list", "/who", "/rooms"].includes(word.toLowerCase())) state.lists = (state.lists ?? 0) + 1;
  if (word.toLowerCase() === "/ping") state.pings = (state.pings ?? 0) + 1;
  if (["/join", "/create"].includes(word.toLowerCase()) && name) state.place("room", name).isWanted = true;
  connection.send({ type: "line", message: words });
  if (["/exit", "/quit", "/q"].includes(word.toLowerCase())) leave();
}

/** Nothing stays on the page for whoever comes next. */
function leave() {
  connection.close();
  location.reload();
}

function openPlace({ key, kind, name }) {
  state.here.draft = byId("text").value;
  const place = state.place(kind, name);
  if (kind === "room" && !place.isMember && state.hasRoom(name)) {
    place.isWanted = true;
    connection.send({ type: "join_room", room: name, existing: true });
  }
  state.select(key);
  advise("");
  byId("text").value = state.here.draft;
  grow();
  view.openPlaces(false);
  byId("text").focus();
  hints.look();
  draw();
}

/** The next conversation in the order of the list, or the one before. */
function step(by) {
  const all = [...document.querySelectorAll(".place")];
  const at = all.findIndex(({ dataset }) => dataset.key === state.current);
  const next = all[(at + by + all.length) % all.length];
  if (next) openPlace(next.dataset);
}

function grow() {
  const box = byId("text");
  box.rows = Math.min(6, box.value.split("\n").length);
}

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const password = byId("password").value;
  person = { username: byId("name").value.trim(), ...(password && { password }) };
  byId("refusal").textContent = "";
  isIn = false;
  connect();
});

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (say(byId("text").value)) byId("text").value = "";
  grow();
});

/** Offers files to the person or the room that is shown. */
function offer(list) {
  const place = state.here;
  if (place.kind === "all") advise("open a person or a room first: a file goes to those");
  else if (place.kind === "room" && !place.isMember) advise("enter the room first");
  else for (const blob of list) files.offer(place, blob);
}

byId("attach").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", ({ target }) => {
  offer([...target.files]);
  target.value = "";
});
byId("talk").addEventListener("dragover", (event) => event.preventDefault());
byId("talk").addEventListener("drop", (event) => {
  event.preventDefault();
  offer([...event.dataTransfer.files]);
});
byId("log").addEventListener("click", ({ target }) => {
  const { presses, number } = target.dataset;
  if (presses) files.press(Number(number), presses);
});

byId("secrecy").addEventListener("click", ({ target, detail }) => {
  const { secrecy, place, key } = target.dataset;
  // The second click of two was meant for what stood there before.
  if (!secrecy || detail > 1 || place !== state.here.key) return;
  advise("");
  talks.press(state.here, secrecy, key);
  // A key that is held down would go on in the text.
  if (detail > 0) byId("text").focus();
});
byId("text").addEventListener("input", ({ target }) => {
  grow();
  hints.writes(state.here, target.value);
});
byId("hints").addEventListener("change", ({ target }) => hints.turn(target.checked));
byId("text").addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!event.repeat) byId("composer").requestSubmit();
  } else if (event.key === "ArrowUp" && !event.altKey && box.value === (lines.past[lines.at] ?? "") && lines.at > 0) {
    event.preventDefault();
    box.value = lines.past[--lines.at];
    grow();
  }
});

document.addEventListener("keydown", (event) => {
  if (byId("chat").hidden) return;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(event.key === "ArrowUp" ? -1 : 1);
  } else if (event.key === "Escape") {
    view.openPlaces(false);
    byId("text").focus();
  }
});

byId("places").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.leaves) connection.send({ type: "leave_room", room: button.dataset.leaves });
  else if (button?.dataset.key) openPlace(button.dataset);
});

byId("menu").addEventListener("click", () => view.openPlaces(!byId("places").classList.contains("open")));
byId("hide").addEventListener("click", () => connection.send({ type: state.isHidden ? "reveal" : "hide" }));

byId("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("room-name").value.trim();
  if (!name) return;
  byId("room-name").value = "";
  view.openPlaces(false);
  byId("text").focus();
  state.place("room", name).isWanted = true;
  const isThere = state.hasRoom(name);
  connection.send(isThere ? { type: "join_room", room: name, existing: true } : { type: "create_room", room: name });
  draw();
});

const seeHere = () => {
  if (!isLooked() || !isIn) return;
  state.here.unread = 0;
  connection.hurry();
  draw();
};
addEventListener("focus", seeHere);
document.addEventListener("visibilitychange", seeHere);
addEventListener("online", () => connection?.hurry());
// A page that goes says so; one that is shown again from the browser's memory comes back.
addEventListener("pagehide", () => connection?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted && person) connect();
});

setInterval(() => {
  if (!isIn || document.hidden || !connection?.isOpen) return;
  connection.send({ type: "users" });
  connection.send({ type: "rooms" });
}, LOOK);

view.draw();
byId("name").focus();
