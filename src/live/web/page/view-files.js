// A file in the log: what it is, how far it is, and what one can do.

import { element } from "./text.js";

const UNITS = ["B", "kB", "MB", "GB"];
const WORDS = {
  reading: "being read…", offering: "being offered…", offered: "offered", asking: "is offered to you", coming: "coming", going: "going",
  paused: "stopped", done: "complete", failed: "",
};

/** Changes of these need another node. */
export const lookOf = ({ phase, why, name }) => `${phase}|${why}|${name}`;

export function drawFile(node, entry, sign) {
  node.classList.toggle("own", entry.own);
  node.classList.toggle("failed", entry.phase === "failed");
  node.append(element("span", entry.from, "who"));
  const { phase, name, number } = entry;
  if (entry.url) {
    const link = element("a", name, "name");
    link.href = entry.url;
    link.download = name;
    node.append(link);
  } else node.append(element("span", name, "name"));
  node.append(" ", element("span", sizeOf(entry.size), "hint"), " ");
  if (sign) node.append(element("span", sign, "sign"), " ");
  if (["reading", "coming", "going", "paused"].includes(phase)) {
    const progress = element("progress");
    progress.max = Math.max(1, entry.size);
    progress.setAttribute("aria-label", name);
    node.append(progress, " ");
  }
  node.append(element("span", undefined, "state"));
  const buttons = { asking: ["accept", "decline"], coming: ["cancel"], going: ["cancel"], paused: ["cancel"], offered: ["cancel"] }[phase];
  for (const words of buttons ?? []) {
    const button = element("button", words, "quiet");
    button.type = "button";
    button.setAttribute("aria-label", `${words} ${name}`);
    Object.assign(button.dataset, { presses: words, number });
    node.append(" ", button);
  }
  updateFile(node, entry);
}

/** Shows how far it is. */
export function updateFile(node, { phase, why, there, size, rate }) {
  const progress = node.querySelector("progress");
  if (progress) progress.value = there;
  const isMoving = phase === "coming" || phase === "going";
  const percent = progress ? `${Math.floor((100 * there) / Math.max(1, size))} %` : "";
  const goodput = rate && (isMoving || phase === "done") ? `${rate.toFixed(0)} kB/s` : "";
  node.querySelector(".state").textContent = [WORDS[phase], why, percent, goodput].filter(Boolean).join(", ");
}

function sizeOf(bytes) {
  let [value, n] = [bytes, 0];
  for (; value >= 1_000 && n < UNITS.length - 1; n += 1) value /= 1_000;
  return `${n ? value.toFixed(1) : value} ${UNITS[n]}`;
}
