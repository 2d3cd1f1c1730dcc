// Values as scenario files write them, and the way from a slider's place to one and back.

const RATES = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };
const TIMES = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600 };
const STEPS = 1000; // places of a slider

// A number in at most three digits, as one reads it.
export function digits(x) {
  if (x === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(x)));
  const unit = 10 ** (size - 2);
  return String(Number((Math.round(x / unit) * unit).toFixed(Math.max(0, 2 - size))));
}

function parsed(text, units) {
  const found = /^\s*([0-9.]+)\s*([a-zA-Z]+)\s*$/.exec(text);
  const unit = found && units[found[2].toLowerCase()];
  return unit ? Number(found[1]) * unit : undefined;
}

function written(x, units, least) {
  const names = Object.keys(units).filter((name) => units[name] >= least);
  const name = names.filter((each) => x >= units[each] * 0.9995).pop() ?? names[0];
  return digits(x / units[name]) + name;
}

// A number of a value, by what the key takes: { number, from, to, log, write }. Nothing for what has no slider.
export function scaleOf(control) {
  const { form, value, range } = control;
  if (form === "rate") return log(parsed(value, RATES), 1e5, 1e9, (x) => written(x, RATES, 1e3));
  if (form === "duration") {
    const seconds = parsed(value, TIMES) ?? (/^0/.test(value) ? 0 : undefined);
    const long = /duration|warmup|start/.test(control.key);
    const write = (x) => (x === 0 ? "0ms" : written(x, long ? { s: 1 } : { us: 1e-6, ms: 1e-3, s: 1 }, 1e-6));
    if (long) return linear(seconds, control.key === "duration" ? 5 : 0, 200, 1, write);
    return withZero(seconds, 0.5e-3, 1, write);
  }
  if (form === "probability") {
    const share = /%\s*$/.test(value) ? parseFloat(value) / 100 : Number(value);
    return withZero(Number.isFinite(share) ? share : undefined, 1e-4, 0.5, (x) => digits(x * 100) + "%");
  }
  if (form === "limit") {
    const bdp = /^\s*([0-9.]+)\s*bdp\s*$/.exec(value);
    if (bdp) return log(Number(bdp[1]), 0.125, 64, (x) => digits(x) + "bdp");
    const packets = /^\s*(\d+)\s*packets?\s*$/.exec(value);
    if (packets) return log(Number(packets[1]), 1, 10000, (x) => Math.max(1, Math.round(x)) + " packets");
    return undefined;
  }
  if (form === "frequency") {
    const each = /^\s*([0-9.]+)\s*\/\s*(s|min)\s*$/.exec(value);
    return each && log(Number(each[1]) / (each[2] === "min" ? 60 : 1), 0.05, 50, (x) => digits(x) + "/s");
  }
  if (form === "integer" && control.key.endsWith("count")) {
    return linear(Number(value), Math.max(1, range[0]), Math.max(12, 2 * Number(value)), 1, (x) => String(Math.round(x)));
  }
  return undefined;
}

function scale(number, from, to, place, at, write) {
  if (number === undefined || Number.isNaN(number)) return undefined;
  const clamped = (x) => Math.min(STEPS, Math.max(0, Math.round(place(x))));
  return { steps: STEPS, place: clamped(number), at: (n) => write(at(n)), places: (x) => clamped(x), from, to };
}

// The place to which an arrow key goes from another: a hundredth of the way on, or as far as the next value.
const NUDGE = STEPS / 100;
export function nudged({ at, steps }, place, way) {
  const here = at(place);
  let to = place + way * NUDGE;
  while (to > 0 && to < steps && at(to) === here) to += way;
  return Math.min(steps, Math.max(0, to));
}

function log(number, from, to, write) {
  const span = Math.log(to / from);
  return scale(number, from, to, (x) => (STEPS * Math.log(x / from)) / span, (n) => from * Math.exp((span * n) / STEPS), write);
}

// Logarithmic, and nothing at its left end.
function withZero(number, from, to, write) {
  const span = Math.log(to / from);
  const place = (x) => (x <= 0 ? 0 : Math.max(1, (STEPS * Math.log(x / from)) / span));
  return scale(number, 0, to, place, (n) => (n <= 0 ? 0 : from * Math.exp((span * n) / STEPS)), write);
}

function linear(number, from, to, step, write) {
  const at = (n) => Math.round((from + ((to - from) * n) / STEPS) / step) * step;
  return scale(number, from, to, (x) => (STEPS * (x - from)) / (to - from), at, write);
}

// A value for people: "20mbit" as "20 Mbit/s".
export function spoken(value) {
  if (value.startsWith("{")) {
    // A table: its values, and the names of those that are only switched on.
    const pairs = [...value.matchAll(/([\w-]+)\s*=\s*("[^"]*"|[^,{}\s]+)/g)];
    return pairs.map(([, name, each]) => (each === "true" ? name : spoken(each.replaceAll('"', "")))).join(", ");
  }
  return value
    .replace(/^([0-9.]+)\s*(k|m|g)?bit$/i, (_, n, p) => `${n} ${(p ?? "").replace("m", "M").replace("g", "G")}bit/s`)
    .replace(/^([0-9.]+)(ms|us|s|min|h)$/, "$1 $2")
    .replace(/^([0-9.]+)%$/, "$1 %")
    .replace(/^([0-9.]+)bdp$/, "$1 BDP");
}

// A key for people: its last parts as words.
const NAMES = {
  rate: "Rate", delay: "Delay, one way", loss: "Random loss", "queue.limit": "Queue limit", "queue.kind": "Queue kind",
  count: "Number of clients", congestion: "Controller", "app.rate": "Messages of each", duration: "Duration",
  warmup: "Warm-up, left out", seed: "Seed",
};
export function keyWords(key) {
  const [head, , ...rest] = key.split(".");
  if (!["link", "clients"].includes(head)) return NAMES[key.replace("tcp.", "")] ?? key;
  const way = ["up", "down"].includes(rest[0]) ? rest.shift() : "";
  const name = rest.join(".");
  return (NAMES[name] ?? name) + (way ? (way === "up" ? " ↑ up" : " ↓ down") : "");
}

// A queue's limit as a time: what a packet waits at its end. Of two directions, in the slower one.
export function queueWords(key, links) {
  const [, name, way] = /^link\.(.+?)\.(?:(up|down)\.)?queue\.limit$/.exec(key) ?? [];
  const { directions: both = [], packet_bytes: bytes } = links.find((link) => link.name === name) ?? {};
  const ways = both.filter((_, n) => !way || n === (way === "up" ? 0 : 1));
  const [{ rate_mbit: rate, queue_packets: packets } = {}] = ways.sort((a, b) => (a.rate_mbit ?? Infinity) - (b.rate_mbit ?? Infinity));
  if (!rate || !packets) return "";
  return `${packets} packets: when full, one more waits ${digits((packets * bytes * 8) / rate / 1000)} ms`;
}
