// Four panels over one time axis: window, round trip, queue, goodput.

import { axisX, axisY, colour, dash, linearScale, path, roundUp, steps } from "./chart.js";
import { html, svg } from "./dom.js";
import { digits } from "./units.js";

const LEFT = 52, RIGHT = 12, TOP = 22, GAP = 30, BOTTOM = 38, STRIP = 22;
const MOST_FLOWS = 8; // more lines cannot be told apart
const PHASES = { slow_start: "phase-start", startup: "phase-start", recovery: "phase-recovery", loss: "phase-loss" };

// Its name, with the direction where it has data both ways.
function nameOf(flow, picture) {
  const both = picture.flows.filter((other) => other.name === flow.name).length > 1;
  return both ? `${flow.name} ${flow.direction === "up" ? "↑" : "↓"}` : flow.name;
}

// The flows that are drawn, those that delivered most first in their own order.
export function shownFlows(picture) {
  const ends = picture.flows.map((flow, place) => ({ place, bytes: flow.delivered_bytes.at(-1) ?? 0 }));
  ends.sort((a, b) => b.bytes - a.bytes);
  const kept = new Set(ends.slice(0, MOST_FLOWS).map((end) => end.place));
  return picture.flows.filter((_, place) => kept.has(place));
}

// Bytes delivered as Mbit/s in bins of a hundredth of the trial or so.
function goodput(flow, interval, duration) {
  const bin = Math.max(1, Math.round(duration / 100 / interval));
  const times = [], values = [];
  for (let n = bin; n < flow.time_s.length; n += bin) {
    const span = flow.time_s[n] - flow.time_s[n - bin];
    times.push(flow.time_s[n] - span / 2);
    values.push(((flow.delivered_bytes[n] - flow.delivered_bytes[n - bin]) * 8) / span / 1e6);
  }
  return { times, values };
}

// Samples at which a count grew.
function growth(times, counts) {
  const found = [];
  for (let n = 1; n < counts.length; n++) {
    if (counts[n] > counts[n - 1]) found.push([times[n], counts[n] - counts[n - 1]]);
  }
  return found;
}

const most = (lists) => lists.reduce((top, list) => list.reduce((a, b) => (b > a ? b : a), top), 0);

// End of the axis of y. A start that towers over all the rest is cut off, and said.
function ceilingOf(lines, warmup) {
  const all = most(lines.map((line) => line.values));
  const begun = ({ times }) => times.filter((time) => time < warmup).length;
  const later = most(lines.map((line) => line.values.slice(begun(line))));
  return later > 0 && all > 2 * later ? { ceiling: roundUp(later * 1.2), peak: all } : { ceiling: roundUp(all * 1.04) };
}

// Directions of links that have something to show: those in which anything waited or fell.
function queues(picture) {
  return picture.links.filter((link) => link.time_s.length > 0 && (most([link.backlog_packets]) > 1 || link.drops.at(-1) > 0));
}

function drawn(picture) {
  const flows = shownFlows(picture);
  const rates = flows.map((flow) => goodput(flow, picture.interval_s, picture.duration_s));
  const links = queues(picture);
  const kilo = (list) => list.map((value) => value === null ? null : value / 1000);
  return [
    { words: "Congestion window (kB)", lines: flows.map((flow) => ({ times: flow.time_s, values: kilo(flow.cwnd_bytes) })),
      thin: flows.map((flow) => ({ times: flow.time_s, values: kilo(flow.ssthresh_bytes) })), flows },
    { words: "Round trip, smoothed (ms)", lines: flows.map((flow) => ({ times: flow.time_s, values: flow.srtt_ms })) },
    { words: "Queue (packets)", lines: links.map((link) => ({ times: link.time_s, values: link.backlog_packets })), links },
    { words: "Goodput (Mbit/s)", lines: rates },
  ];
}

export class Panels {
  #root;
  #cursor = null;
  #tell;
  #seen;
  #width;
  #axes = []; // of each panel, as it was drawn last: [what it depends on, element]

  // `tell(time)` is called when the cursor moves, `resized()` when there is another width to draw for.
  constructor(root, tell, resized) {
    this.#root = root;
    this.#tell = tell;
    new ResizeObserver(() => {
      const before = this.#width;
      this.#width = root.clientWidth;
      if (before !== undefined && before !== this.#width) resized();
    }).observe(root);
    root.addEventListener("pointermove", (event) => event.pointerType !== "touch" && this.#point(event));
    root.addEventListener("pointerdown", (event) => this.#point(event));
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  get time() {
    return this.#cursor;
  }

  // Pixels from side to side. To measure them anew at each drawing would lay the page out twice.
  get width() {
    this.#width ??= this.#root.clientWidth;
    return Math.max(300, this.#width);
  }

  #point(event) {
    const box = this.#root.getBoundingClientRect();
    const time = this.#seen?.x.invert(event.clientX - box.left);
    if (time !== undefined) this.moveTo(time);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 }[event.key];
    if (!step || !this.#seen) return;
    event.preventDefault();
    this.moveTo((this.#cursor ?? 0) + (step * this.#seen.picture.duration_s) / 200);
  }

  moveTo(time) {
    if (!this.#seen) return;
    this.#cursor = time;
    this.#place();
    this.#tell(this.#cursor);
  }

  #place() {
    this.#cursor = Math.min(this.#seen.x.to, Math.max(this.#seen.x.from, this.#cursor));
    const at = this.#seen.x(this.#cursor);
    this.#seen.line.setAttribute("transform", `translate(${at.toFixed(1)} 0)`);
    this.#seen.line.removeAttribute("visibility");
  }

  // Lets the other flows step back.
  stress(flow) {
    for (const line of this.#root.querySelectorAll("[data-flow]")) {
      line.classList.toggle("faded", flow !== undefined && line.getAttribute("data-flow") !== String(flow));
    }
  }

  // An axis that stays is not made anew.
  #axis(n, key, make) {
    if (this.#axes[n]?.[0] !== key) this.#axes[n] = [key, make()];
    return this.#axes[n][1];
  }

  // Draws a picture, and another behind it. Where it has an `until`, what is later is old.
  draw(picture, pinned) {
    const width = this.width, height = Math.max(440, Math.min(720, width * 0.75));
    const panels = drawn(picture), before = pinned && drawn(pinned);
    const each = (height - TOP - BOTTOM - GAP * (panels.length - 1)) / panels.length;
    const x = linearScale(0, picture.duration_s, LEFT, width - RIGHT);
    const about = Math.max(3, Math.round(width / 90));
    const children = [];
    if (picture.warmup_s > 0) {
      children.push(svg("rect", { class: "warmup", x: x(0), width: x(picture.warmup_s) - x(0), y: TOP, height: height - TOP - BOTTOM }),
        svg("text", { class: "warmup-words", x: x(picture.warmup_s) - 4, y: TOP + 10, "text-anchor": "end" },
          x(picture.warmup_s) - x(0) > 60 ? "warm-up" : ""));
    }
    panels.forEach((panel, n) => {
      const top = TOP + n * (each + GAP), strip = panel.flows ? STRIP : 0, bottom = top + each - strip;
      const { ceiling, peak } = ceilingOf([...panel.lines, ...(before?.[n].lines ?? [])], picture.warmup_s);
      const y = linearScale(0, ceiling, bottom, top);
      children.push(this.#axis(n, [ceiling, bottom, width].join(), () => axisY(y, LEFT, width - RIGHT, Math.max(2, each / 34))),
        svg("text", { class: "panel-words", x: LEFT - 40, y: top - 8 }, panel.words,
          svg("tspan", { class: "peak", dx: 8 }, peak ? `start cut off: up to ${digits(peak)}` : "")));
      const clip = `clip-${n}`;
      children.push(svg("clipPath", { id: clip }, svg("rect", { x: LEFT, y: top - 1, width: width - LEFT - RIGHT, height: each + 2 - strip })));
      const inside = svg("g", { "clip-path": `url(#${clip})` });
      for (const line of before?.[n].lines ?? []) inside.append(svg("path", { class: "pinned", d: path(line.times, line.values, x, y) }));
      panel.thin?.forEach((line, k) =>
        inside.append(svg("path", { class: "thin", "data-flow": k, d: steps(line.times, line.values.map((v) => (v > ceiling ? null : v)), x, y), style: `stroke:${colour(k)}` })));
      panel.lines.forEach((line, k) =>
        inside.append(svg("path", { class: "line", "data-flow": panel.links ? undefined : k, d: path(line.times, line.values, x, y), "stroke-dasharray": dash(k), style: `stroke:${panel.links ? `var(--link-${k % 3})` : colour(k)}` })));
      if (panel.flows && !panel.lines.some((line) => line.values.some((value) => value !== null))) {
        children.push(svg("text", { x: LEFT + 10, y: y(0) - 12 }, "These senders keep no window: they send as fast as the receiver takes it."));
      }
      if (panel.flows) children.push(...phases(panel.flows, picture, x, bottom + strip));
      panel.links?.forEach((link, k) => inside.append(...marks(link, x, y, k)));
      children.push(inside);
    });
    children.push(this.#axis(panels.length, [x.to, height, width].join(), () => axisX(x, height - BOTTOM, about, "Time (s)")));
    if (picture.until !== undefined) {
      children.push(svg("rect", { class: "old", x: x(picture.until), width: width - RIGHT - x(picture.until), y: TOP, height: height - TOP - BOTTOM }));
    }
    const line = svg("line", { class: "cursor", x1: 0, x2: 0, y1: TOP, y2: height - BOTTOM, visibility: this.#cursor === null ? "hidden" : undefined });
    children.push(line);
    const title = svg("title", {}, "Congestion window, round trip, queue and goodput over time");
    this.#seen = { x, line, picture };
    this.#root.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" }, title, ...children));
    if (this.#cursor !== null) this.#place();
  }
}

const bar = (from, width, y, height) => `M${from.toFixed(1)} ${y}h${width}v${height}h-${width}z`;
// Teeth, to be told from a bar without its colour.
const comb = (from, width, y, height) =>
  Array.from({ length: Math.ceil(width / 3) }, (_, n) => bar(from + 3 * n, Math.min(1.5, width), y, height)).join("");

// A strip for each flow at the foot of the first panel: slow start, recovery, loss; nothing is avoidance.
function phases(flows, picture, x, bottom) {
  const strip = Math.max(2, Math.min(5, (STRIP - 3) / flows.length));
  return flows.map((flow, row) => {
    const shapes = {};
    const y = bottom - strip * (flows.length - row), last = flow.time_s.length - 1;
    let start = 0;
    for (let n = 1; n <= flow.phase.length; n++) {
      if (n < flow.phase.length && flow.phase[n] === flow.phase[start]) continue;
      const kind = PHASES[picture.phases[flow.phase[start]]];
      const from = x(flow.time_s[start]), width = Math.max(1.5, x(flow.time_s[Math.min(n, last)]) - from).toFixed(1);
      if (kind) shapes[kind] = (shapes[kind] ?? "") + (kind === "phase-loss" ? comb : bar)(from, width, y, strip - 0.5);
      start = n;
    }
    return svg("g", { style: `--own:${colour(row)}` }, ...Object.entries(shapes).map(([kind, d]) => svg("path", { class: kind, d })));
  });
}

// Drops as crosses at the top, marks as rings below them.
function marks(link, x, y, row) {
  const top = y(y.to) + 6 + 12 * row;
  const cross = growth(link.time_s, link.drops).map(([time]) => {
    const at = x(time);
    return `M${(at - 3).toFixed(1)} ${top - 3}l6 6m0 -6l-6 6`;
  });
  const rings = growth(link.time_s, link.marks).map(([time]) => `M${(x(time) - 2.5).toFixed(1)} ${top + 8}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`);
  return [svg("path", { class: "drop", d: cross.join("") }), svg("path", { class: "mark", d: rings.join("") })];
}

// Names of the lines, and of the signs.
// `stress(flow)` is called with the one that is pointed at, and without one.
export function legend(picture, pinned, stress) {
  const sample = (style, pattern) => svg("svg", { width: 30, height: 10, "aria-hidden": "true" },
    svg("line", { x1: 1, x2: 29, y1: 5, y2: 5, class: "line", style, "stroke-dasharray": pattern }));
  const flows = shownFlows(picture).map((flow, k) => html("li", {
    tabindex: 0, class: "flow", onpointerenter: () => stress(k), onpointerleave: () => stress(), onfocus: () => stress(k), onblur: () => stress(),
  }, sample(`stroke:${colour(k)}`, dash(k)), `${nameOf(flow, picture)} (${flow.congestion})`));
  const hidden = picture.flows.length - flows.length;
  const links = queues(picture).map((link, k) =>
    html("li", {}, sample(`stroke:var(--link-${k % 3})`, dash(k)), `queue ${link.name} ${link.direction}`));
  const marked = picture.links.some((link) => link.marks.at(-1) > 0);
  return [
    ...flows, hidden > 0 && html("li", {}, `… and ${hidden} flows that delivered less`), ...links,
    html("li", {}, html("b", { class: "sign drop-sign" }, "×"), " drops"),
    marked && html("li", {}, html("b", { class: "sign mark-sign" }, "○"), " marks"),
    html("li", {}, sample("stroke:currentColor;stroke-width:1", "1 3"), "slow start threshold"),
    html("li", {}, html("i", { class: "swatch phase-start" }), "slow start"),
    html("li", {}, html("i", { class: "swatch phase-recovery" }), "fast recovery"),
    html("li", {}, html("i", { class: "swatch phase-loss" }), "after a timeout"),
    pinned && html("li", {}, sample("stroke:var(--pinned);stroke-width:3"), "pinned run"),
  ].filter(Boolean);
}

// Values at a time, as rows of words.
export function readout(picture, time) {
  const at = (times) => {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return times.length > 0 && times[low] <= time && time - times[low] <= 2 * picture.interval_s ? low : -1;
  };
  const flows = shownFlows(picture).map((flow) => {
    const n = at(flow.time_s);
    const name = nameOf(flow, picture);
    if (n < 0) return `${name}: –`;
    const window = flow.cwnd_bytes[n] === null ? "no window" : `${digits(flow.cwnd_bytes[n] / 1000)} kB`;
    const rtt = flow.srtt_ms[n] === null ? "" : `, ${digits(flow.srtt_ms[n])} ms`;
    return `${name}: ${window}${rtt}, ${picture.phases[flow.phase[n]].replaceAll("_", " ")}`;
  });
  const links = queues(picture).map((link) => {
    const n = at(link.time_s);
    const waiting = n < 0 ? "–" : link.backlog_packets[n];
    return `queue ${link.name} ${link.direction}: ${waiting} packet${waiting === 1 ? "" : "s"}`;
  });
  return [`${time.toFixed(2)} s`, ...flows, ...links];
}
