// Scales, ticks and lines.

import { svg } from "./dom.js";

// From values to pixels.
export function linearScale(from, to, low, high) {
  const factor = (high - low) / (to - from || 1);
  const scale = (x) => low + (x - from) * factor;
  scale.invert = (pixel) => from + (pixel - low) / factor;
  scale.from = from;
  scale.to = to;
  return scale;
}

// Round numbers between two values, about so many.
export function ticks(from, to, about) {
  const raw = (to - from) / Math.max(1, about);
  if (!(raw > 0)) return [from];
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((each) => each >= raw * 0.9999);
  const found = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}

// The next round number from a value on, for the end of an axis.
export function roundUp(x) {
  if (!(x > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(x));
  return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((n) => n * unit >= x * 0.9999) * unit;
}

// A coordinate with one decimal; much faster than `toFixed`, which a drag would feel.
function tenths(x) {
  const n = Math.round(x * 10);
  if (n < 0) return String(n / 10);
  return n % 10 === 0 ? String(n / 10) : `${(n / 10) | 0}.${n % 10}`;
}

const SLACK = 0.25; // pixels by which a line may pass a point

// A line through points; gaps where a value is null. A point that the line between others passes anyway is left out:
// that is most of them, and each costs time while something is dragged.
export function path(times, values, x, y) {
  let d = "", state = 0; // points since the last gap: none, one, more
  let fromX, fromY, lastX, lastY, low, high;
  for (let n = 0; n < times.length; n++) {
    const value = values[n];
    if (value === null || value === undefined) {
      if (state > 1) d += `L${tenths(lastX)} ${tenths(lastY)}`;
      state = 0;
      continue;
    }
    const atX = x(times[n]), atY = y(value), slope = (atY - fromY) / (atX - fromX);
    if (state === 0) {
      d += `M${tenths(atX)} ${tenths(atY)}`;
      [state, fromX, fromY, low, high] = [1, atX, atY, -Infinity, Infinity];
    } else {
      if (state > 1 && !(slope >= low && slope <= high)) {
        d += `L${tenths(lastX)} ${tenths(lastY)}`;
        [fromX, fromY, low, high] = [lastX, lastY, -Infinity, Infinity];
      }
      const rest = atX - fromX;
      low = Math.max(low, (atY - SLACK - fromY) / rest);
      high = Math.min(high, (atY + SLACK - fromY) / rest);
      state = 2;
    }
    lastX = atX;
    lastY = atY;
  }
  return state > 1 ? `${d}L${tenths(lastX)} ${tenths(lastY)}` : d;
}

// A line that keeps each value until the next.
export function steps(times, values, x, y) {
  let d = "", last;
  for (let n = 0; n < times.length; n++) {
    const value = values[n];
    if (value === null || value === undefined || value === last) continue;
    const place = tenths(x(times[n]));
    d += last === undefined ? `M${place} ${tenths(y(value))}` : `H${place}V${tenths(y(value))}`;
    last = value;
  }
  return last === undefined ? "" : `${d}H${tenths(x(times.at(-1)))}`;
}

// Axis of y at the left: labels, and lines across.
export function axisY(y, left, right, about) {
  const all = ticks(y.from, y.to, about);
  return svg("g", { class: "axis" }, ...all.map((value) =>
    svg("g", {},
      svg("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: value === 0 ? "base" : "grid" }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)))));
}

export function axisX(x, bottom, about, words) {
  const all = ticks(x.from, x.to, about);
  return svg("g", { class: "axis" },
    ...all.map((value) => svg("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, String(value))),
    svg("text", { x: x(x.to), y: bottom + 32, "text-anchor": "end", class: "words" }, words));
}

// Dashes of the lines of flows: with the colour, and without it, each can be told from the others.
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4", "6 2 1 2"];
export const COLOURS = DASHES.length;
export const dash = (n) => DASHES[n % COLOURS] || undefined;
export const colour = (n) => `var(--flow-${n % COLOURS})`;
