// Latencies on a logarithmic axis: a histogram of each kind that the trial has.

import { axisY, linearScale, roundUp } from "./chart.js";
import { html, svg } from "./dom.js";
import { digits } from "./units.js";

const LEFT = 52, RIGHT = 12, TOP = 34, BOTTOM = 38, HEIGHT = 200;

// Draws them, and those of a pinned picture behind them.
export function histograms(root, latencies, pinned, width) {
  root.hidden = latencies.length === 0;
  root.replaceChildren(...latencies.flatMap((latency) => histogram(latency, pinned?.find(({ words }) => words === latency.words), width)));
}

function histogram(latency, pinned, width) {
  const all = [...latency.bins, ...(pinned?.bins ?? [])];
  const share = (ms) => (ms === null ? "among those that never arrived" : `${digits(ms)} ms`);
  const words = `${latency.words}: median ${share(latency.p50_ms)}, 99th percentile ${share(latency.p99_ms)}`;
  const missing = latency.expected - latency.arrived;
  const count = `${latency.expected.toLocaleString("en")} ${latency.things}, ${missing > 0 ? `of which ${missing.toLocaleString("en")} never arrived` : "all arrived"}`;
  const note = html("p", { class: "quiet" }, `${words}; ${count}.`);
  if (all.length === 0) return [note];
  const from = Math.max(0.1, Math.min(...all.map(([low]) => low || 0.1))), to = Math.max(...all.map(([, high]) => high));
  const place = linearScale(Math.log(from), Math.log(to), LEFT, width - RIGHT);
  const x = (ms) => place(Math.log(Math.max(from, ms)));
  const shares = ({ bins }) => {
    const sum = bins.reduce((total, [, , count]) => total + count, 0);
    return bins.map(([low, high, count]) => [low, high, (100 * count) / sum]);
  };
  const own = shares(latency), other = pinned ? shares(pinned) : [];
  const y = linearScale(0, roundUp(Math.max(...[...own, ...other].map(([, , share]) => share))), HEIGHT - BOTTOM, TOP);
  const bar = (kind) => ([low, high, share]) =>
    svg("rect", { class: kind, x: x(low).toFixed(1), width: Math.max(1, x(high) - x(low) - 1).toFixed(1), y: y(share).toFixed(1), height: (y(0) - y(share)).toFixed(1) });
  const labels = [];
  let free = LEFT;
  for (let ms = 10 ** Math.floor(Math.log10(from)); ms <= to; ms *= 10) {
    for (const n of [1, 2, 5]) {
      const at = x(n * ms), text = digits(n * ms);
      if (n * ms < from || n * ms > to || at - 4 * text.length < free) continue;
      free = at + 4 * text.length + 6;
      labels.push(svg("text", { x: at, y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, text));
    }
  }
  const mark = (ms, name, row) => ms !== null && svg("g", { class: "quantile" },
    svg("line", { x1: x(ms), x2: x(ms), y1: TOP - 4, y2: HEIGHT - BOTTOM }),
    svg("text", { x: Math.min(x(ms) + 4, width - 110), y: TOP - 8 + 11 * row }, `${name} ${digits(ms)} ms`));
  return [
    svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": words },
      svg("title", {}, words),
      axisY(y, LEFT, width - RIGHT, 4), svg("g", { class: "axis" }, ...labels,
        svg("text", { x: width - RIGHT, y: HEIGHT - 6, "text-anchor": "end", class: "words" }, "Time (ms)")),
      svg("text", { class: "panel-words", x: LEFT - 40, y: 14 }, `${latency.words} (% of those that arrived)`),
      ...own.map(bar("bar")), ...other.map(bar("bar-pinned")),
      mark(latency.p50_ms, "median", 0), mark(latency.p99_ms, "p99", 1)),
    note];
}
