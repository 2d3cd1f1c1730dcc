// Latency of messages on a logarithmic axis.

import { axisY, linearScale, roundUp } from "./chart.js";
import { svg } from "./dom.js";
import { digits } from "./units.js";

const LEFT = 52, RIGHT = 12, TOP = 34, BOTTOM = 38;

export function histogram(root, latency, pinned) {
  root.hidden = !latency;
  if (!latency) return;
  const width = Math.max(300, root.clientWidth), height = 200;
  const all = [...latency.bins, ...(pinned?.bins ?? [])];
  if (all.length === 0) {
    root.replaceChildren("No message arrived.");
    return;
  }
  const from = Math.max(0.1, Math.min(...all.map(([low]) => low || 0.1))), to = Math.max(...all.map(([, high]) => high));
  const place = linearScale(Math.log(from), Math.log(to), LEFT, width - RIGHT);
  const x = (ms) => place(Math.log(Math.max(from, ms)));
  const shares = ({ bins }) => {
    const sum = bins.reduce((total, [, , count]) => total + count, 0);
    return bins.map(([low, high, count]) => [low, high, (100 * count) / sum]);
  };
  const own = shares(latency), other = pinned ? shares(pinned) : [];
  const y = linearScale(0, roundUp(Math.max(...[...own, ...other].map(([, , share]) => share))), height - BOTTOM, TOP);
  const bar = (kind) => ([low, high, share]) =>
    svg("rect", { class: kind, x: x(low).toFixed(1), width: Math.max(1, x(high) - x(low) - 1).toFixed(1), y: y(share).toFixed(1), height: (y(0) - y(share)).toFixed(1) });
  const labels = [];
  for (let ms = 10 ** Math.floor(Math.log10(from)); ms <= to; ms *= 10) {
    for (const n of [1, 2, 5]) {
      if (n * ms >= from && n * ms <= to) labels.push(svg("text", { x: x(n * ms), y: height - BOTTOM + 16, "text-anchor": "middle" }, digits(n * ms)));
    }
  }
  const mark = (ms, words, row) => svg("g", { class: "quantile" },
    svg("line", { x1: x(ms), x2: x(ms), y1: TOP - 4, y2: height - BOTTOM }),
    svg("text", { x: Math.min(x(ms) + 4, width - 110), y: TOP - 8 + 11 * row }, `${words} ${digits(ms)} ms`));
  const words = `Latency of messages: median ${digits(latency.p50_ms)} ms, 99th percentile ${digits(latency.p99_ms)} ms`;
  root.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
    svg("title", {}, words),
    axisY(y, LEFT, width - RIGHT, 4), svg("g", { class: "axis" }, ...labels,
      svg("text", { x: width - RIGHT, y: height - 6, "text-anchor": "end", class: "words" }, "Latency (ms)")),
    svg("text", { class: "panel-words", x: LEFT - 40, y: 14 }, "Messages (% of deliveries)"),
    ...own.map(bar("bar")), ...other.map(bar("bar-pinned")),
    mark(latency.p50_ms, "median", 0), mark(latency.p99_ms, "p99", 1)));
}
