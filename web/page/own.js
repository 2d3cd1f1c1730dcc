// A controller of the reader's own, in JavaScript, and what it decided.

import { byId, html } from "./dom.js";
import { digits } from "./units.js";

export const SAMPLE = `// Three functions decide; s belongs to one sender, and keeps what you put there.
//   s.cwnd   window in bytes: set it        s.mss     bytes of a full segment
//   s.bytes  bytes acknowledged, or lost    s.flight  bytes in flight
//   s.srtt   smoothed round trip, s         s.minRtt  least round trip, s
//   s.now    time, s

function onAck(s) {
  if (s.cwnd < (s.threshold ?? Infinity)) s.cwnd += s.bytes;
  else s.cwnd += (2 * s.mss * s.bytes) / s.cwnd;
}

function onLoss(s) {
  s.threshold = s.cwnd = 0.75 * s.cwnd;
}

function onTimeout(s) {
  s.threshold = s.cwnd / 2;
  s.cwnd = s.mss;
}
`;

// True if any client of the experiment uses it.
export const isUsed = (form) => form.groups.some((group) => group.congestion === "own");

// Shows the decisions, and what was refused.
export function showDecisions(used, decisions, refusal) {
  byId("own-refused").textContent = used && refusal ? `refused: ${refusal}` : "";
  const time = ({ from, to }) => (to > from ? `${from.toFixed(3)} – ${to.toFixed(3)}` : from.toFixed(3));
  const rows = (used ? decisions : []).map((line) => html("tr", {},
    html("td", {}, time(line)), html("td", { class: "words" }, String(line.sender + 1)),
    html("td", { class: "words" }, line.count > 1 ? `${line.name} × ${line.count}` : line.name),
    html("td", {}, `${digits(line.before / 1000)}`), html("td", {}, `${digits(line.after / 1000)}`)));
  const head = ["Time (s)", "Sender", "Called", "Window before (kB)", "after (kB)"].map((text, n) =>
    html("th", { scope: "col", class: n === 1 || n === 2 ? "words" : "" }, text));
  byId("decisions").replaceChildren(...(rows.length === 0 ? [] : [html("table", {},
    html("caption", {}, `Its first ${rows.length} decisions in this trial`), html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...rows))]));
}
