// The address that holds an experiment, the command that repeats it, and files to keep.

import { byId } from "./dom.js";

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const unbase64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

async function through(bytes, stream) {
  const all = new Response(new Blob([bytes]).stream().pipeThrough(stream));
  return new Uint8Array(await all.arrayBuffer());
}

// The experiment as the part of an address behind `#`; its own text only if that was changed.
export async function fragment(experiment, shipped, sample) {
  const parts = new URLSearchParams();
  parts.set("s", experiment.file);
  const pack = async (text) => base64(await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw")));
  if (experiment.text !== shipped?.text) parts.set("text", await pack(experiment.text));
  if (experiment.own !== sample) parts.set("own", await pack(experiment.own));
  for (const [key, value] of experiment.sets) parts.append("set", `${key}=${value}`);
  if (experiment.cell > 0) parts.set("cell", experiment.cell);
  if (experiment.trial > 0) parts.set("trial", experiment.trial);
  return parts.toString();
}

// The experiment of an address; nothing if it holds none that this page knows.
export async function fromFragment(text, shipped, sample) {
  const parts = new URLSearchParams(text);
  const file = parts.get("s");
  const own = shipped.find((scenario) => scenario.file === file);
  if (!file || (!own && !parts.has("text"))) return undefined;
  const unpack = async (name, other) => (parts.has(name)
    ? new TextDecoder().decode(await through(unbase64(parts.get(name)), new DecompressionStream("deflate-raw")))
    : other);
  const sets = parts.getAll("set").filter((set) => set.includes("="));
  return {
    file,
    text: await unpack("text", own?.text),
    own: await unpack("own", sample),
    files: own?.files ?? {},
    sets: new Map(sets.map((set) => [set.slice(0, set.indexOf("=")), set.slice(set.indexOf("=") + 1)])),
    cell: Number(parts.get("cell")) || 0,
    trial: Number(parts.get("trial")) || 0,
  };
}

// An argument as a shell takes it.
const quoted = (text) => (/^[\w.,:%/=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

// The command whose result files have the figures shown.
export function command(experiment, shipped) {
  const changed = experiment.text !== shipped?.text;
  const file = changed ? "experiment.toml" : experiment.path ?? shipped?.path ?? experiment.file;
  const sets = [...experiment.sets].map(([key, value]) => ` --set ${quoted(`${key}=${value}`)}`);
  return { line: `testbed run ${quoted(file)}${sets.join("")}`, file: changed ? file : undefined };
}

export function save(name, type, content) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// A drawing of the page that stands for itself, with the colours of now.
export function standalone(drawing) {
  const copy = drawing.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const style = getComputedStyle(document.documentElement);
  const names = [...byId("chart-style").textContent.matchAll(/var\((--[\w-]+)\)/g)].map((found) => found[1]);
  const own = [...copy.outerHTML.matchAll(/var\((--[\w-]+)\)/g)].map((found) => found[1]);
  const values = [...new Set([...names, ...own])].filter((name) => name !== "--own").map((name) => `${name}:${style.getPropertyValue(name)}`);
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "style");
  sheet.textContent = `svg{${values.join(";")};background:var(--paper);font:12px sans-serif}${byId("chart-style").textContent}`;
  copy.prepend(sheet);
  return new XMLSerializer().serializeToString(copy);
}

export async function asPng(drawing, scale = 2) {
  const image = new Image();
  const { width, height } = drawing.getBoundingClientRect();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(drawing))}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: width * scale, height: height * scale });
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--paper");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// Series of a picture in the columns of flows.csv, as far as the page has them.
export function seriesCsv(picture) {
  const rows = ["time_s,flow,direction,cwnd_bytes,ssthresh_bytes,flight_bytes,srtt_ms,phase,delivered_bytes"];
  const cell = (value) => (value === null ? "" : value);
  for (const flow of picture.flows) {
    flow.time_s.forEach((time, n) => rows.push([
      time.toFixed(6), flow.name, flow.direction, cell(flow.cwnd_bytes[n]), cell(flow.ssthresh_bytes[n]), flow.flight_bytes[n],
      flow.srtt_ms[n] === null ? "" : flow.srtt_ms[n].toFixed(3), picture.phases[flow.phase[n]], flow.delivered_bytes[n],
    ].join(",")));
  }
  return rows.join("\n") + "\n";
}
