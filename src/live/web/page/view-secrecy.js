// The line above a private conversation that says how secret it is, and its switches.

import { canSeal } from "./seal.js";
import { askedAbout } from "./talks.js";

const byId = (id) => document.getElementById(id);

export function drawSecrecy({ key, kind, name, secrecy }) {
  const line = byId("secrecy");
  line.hidden = kind !== "person";
  if (line.hidden) return;
  const { phase, theirs, changed, comparedAs, why } = secrecy ?? { phase: "off" };
  const isCompared = comparedAs?.toLowerCase() === name.toLowerCase();
  const compared = comparedAs && `◆ encrypted, numbers compared${isCompared ? "" : ` when the name was ${comparedAs}`}`;
  const words = {
    none: "◇ not encrypted: a browser encrypts only on https, or on this machine (127.0.0.1, localhost)",
    off: "◇ not encrypted: the server can read what you write here",
    asked: `waiting for the key of ${name}'s page…`,
    failed: `⚠ not encrypted, and nothing is sent: ${why}`,
    on: compared || "◆ encrypted, numbers not compared: somebody may be in between",
    changed: `⚠ ${name}'s key has changed: nothing is sent before you accept it. Compare the new number first.`,
  };
  const state = canSeal() ? (phase === "on" && changed ? "changed" : phase) : "none";
  line.dataset.state = state;
  // A live region is to speak of changes only.
  if (byId("secrecy-state").textContent !== words[state]) byId("secrecy-state").textContent = words[state];
  const number = state === "changed" ? changed.number : state === "on" ? theirs.number : "";
  byId("secrecy-more").hidden = !number;
  if (state === "changed") byId("secrecy-more").open = true;
  byId("secrecy-number").textContent = number;
  const shown = {
    off: ["encrypt"], asked: ["stop"], failed: ["encrypt", "stop"], on: isCompared ? ["stop"] : ["same", "stop"], changed: ["same", "accept", "stop"],
  }[state] ?? [];
  // While the key has changed, "same" is not seen but keeps its room: nothing moves to where a second press would land.
  for (const button of line.querySelectorAll("[data-secrecy]")) {
    button.hidden = !shown.includes(button.dataset.secrecy);
    // A press is about what the person has seen.
    Object.assign(button.dataset, { place: key, key: askedAbout(secrecy) });
  }
}

/** The sign of a text. */
export function signOf(entry, { secrecy }) {
  if (entry.sealed === "opening") return "";
  if (entry.sealed === "new") return "◆ encrypted, with a new key";
  if (entry.sealed) return "◆ encrypted";
  return secrecy?.theirs ? "◇ not encrypted" : "";
}
