// The network beside the conversation: what it is, what it does to this page's own connection, and, where
// that is open to everyone, the means to change it.

import { element } from "./text.js";

const byId = (id) => document.getElementById(id);
// Pause between two looks, and the looks that a chart shows: a minute.
const LOOK = 500;
const SHOWN = 120;
// Sliders: name, unit, and the value at a place between 0 and 100.
const SLIDERS = {
  loss: { title: "Loss", at: (x) => (x * x) / 250, unit: "%" },
  delay: { title: "Delay, one way", at: (x) => (x * x) / 20, unit: "ms" },
  jitter: { title: "Jitter", at: (x) => (x * x) / 50, unit: "ms" },
  rate: { title: "Rate", at: (x) => 10 ** (x / 25 - 1), unit: "mbit" },
  queue: { title: "Queue", at: (x) => 2 ** (x / 14 - 2), unit: "bdp" },
};
const CHARTS = [
  { id: "window", title: "Window", unit: "kB", none: "without limit", of: (now) => (now.congestion_window ?? NaN) / 1e3, also: (now) => now.ssthresh / 1e3 },
  { id: "rtt", title: "Round trip", unit: "ms", none: "not known yet", of: (now) => (now.rtt ?? NaN) * 1e3 },
  { id: "under-way", title: "On the way to you", unit: "kB", of: (now) => now.queue_bytes / 1e3 },
];

export class Network {
  /** `secret()` is that of the page's connection, `me()` its person's name. */
  constructor(secret, me) {
    Object.assign(this, { secret, me });
    this.past = [];
    this.isFrozen = false;
    this.build();
    byId("network-open").addEventListener("click", () => this.toggle());
    byId("freeze").addEventListener("click", () => this.freeze());
    byId("reset").addEventListener("click", () => this.change({ preset: "first" }));
    byId("times").addEventListener("change", ({ target }) => byId("log").classList.toggle("times", target.checked));
    byId("sliders").addEventListener("input", ({ target }) => this.turn(target));
    byId("sliders").addEventListener("change", ({ target }) => this.change({ [target.name]: valueOf(target) }, "PATCH"));
    byId("whose").addEventListener("change", () => this.look());
  }

  /** The sign of whose page it is. */
  get headers() {
    return { "x-session": this.secret() ?? "" };
  }

  get isOwn() {
    return byId("whose").value === "own";
  }

  build() {
    const sliders = Object.entries(SLIDERS).map(([name, { title }]) => {
      const label = element("label", title);
      const output = element("output");
      const input = element("input");
      Object.assign(input, { type: "range", min: 0, max: 100, name });
      label.append(output, input);
      return label;
    });
    const label = element("label", "Controller");
    label.append(Object.assign(element("select"), { name: "congestion" }));
    byId("sliders").append(...sliders, label);
    for (const { id, title } of CHARTS) {
      const figure = element("figure");
      const canvas = Object.assign(element("canvas"), { id: `chart-${id}`, width: 228, height: 56 });
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", title);
      figure.append(element("figcaption", title), canvas);
      byId("charts").append(figure);
    }
  }

  async toggle() {
    const panel = byId("network");
    panel.hidden = !panel.hidden;
    byId("network-open").setAttribute("aria-expanded", String(!panel.hidden));
    clearInterval(this.clock);
    if (panel.hidden) return;
    this.past = [];
    await this.look();
    this.clock = setInterval(() => this.draw(), LOOK);
  }

  freeze() {
    this.isFrozen = !this.isFrozen;
    byId("freeze").setAttribute("aria-pressed", String(this.isFrozen));
  }

  /** Segments of this page's connection that were sent again so far, in either direction. */
  async sentAgain() {
    return (await ask("/api/connection", { headers: this.headers })).retransmissions;
  }

  /** Notes how many segments are sent again from now until an own text has come back. */
  async watch(entry, draw) {
    if (!byId("times").checked) return;
    const before = await this.sentAgain();
    while (entry.fate === "sending") await new Promise((resolve) => setTimeout(resolve, 100));
    if (entry.took === undefined || before === undefined) return;
    entry.again = (await this.sentAgain()) - before;
    draw();
  }

  /** Reads the present conditions. */
  async look() {
    const now = await ask("/api/network", { headers: this.headers });
    const own = now.own && `For you alone: ${now.own.description}. For everybody: `;
    byId("conditions").textContent = (own ?? "") + (now.description ?? now.detail);
    byId("charts").hidden = !now.description;
    const whose = [now.is_open && ["all", "everybody"], now.is_own_open && ["own", "me alone"]].filter(Boolean);
    byId("controls").hidden = whose.length === 0;
    if (byId("whose").length !== whose.length) {
      byId("whose").replaceChildren(...whose.map(([value, words]) => Object.assign(element("option", words), { value })));
    }
    if (!now.description) return;
    const select = byId("sliders").elements.congestion;
    select.replaceChildren(...now.controllers.map((name) => element("option", name)));
    byId("presets").replaceChildren(...now.presets.map((name) => {
      const button = element("button", name, "quiet");
      button.type = "button";
      button.addEventListener("click", () => this.change({ preset: name }));
      return button;
    }));
    this.place((this.isOwn && now.own) || now);
  }

  /** Puts the sliders where the conditions are. */
  place(now) {
    const inMs = (text) => {
      const [, number, unit] = /^([\d.]+)(\D+)$/.exec(text ?? "") ?? [];
      return Number(number ?? 0) * ({ ns: 1e-6, us: 1e-3, ms: 1, s: 1e3 }[unit] ?? 1);
    };
    const inMbit = (text) => {
      const [, number, unit] = /^([\d.]+)(\D+)$/.exec(text ?? "") ?? [];
      return Number(number ?? 1e3) * ({ bit: 1e-6, kbit: 1e-3, mbit: 1, gbit: 1e3 }[unit] ?? 1);
    };
    const values = { loss: parseFloat(now.loss ?? 0), delay: inMs(now.delay), jitter: inMs(now.jitter), rate: inMbit(now.rate) };
    // A queue has several units, and bursts have no slider.
    const words = { loss: now.loss === null && "in bursts", queue: now.queue ?? "none" };
    for (const [name, { at, unit }] of Object.entries(SLIDERS)) {
      let x = 0;
      while (x < 100 && at(x) < values[name] - 1e-9) x += 1;
      const input = byId("sliders").elements[name];
      if (name in values) input.value = x;
      input.previousSibling.textContent = ` ${words[name] || `${rounded(values[name])} ${unit}`}`;
    }
    byId("sliders").elements.congestion.value = now.congestion;
  }

  /** Says what a slider stands at. */
  turn(input) {
    const slider = SLIDERS[input.name];
    if (slider) input.previousSibling.textContent = ` ${rounded(slider.at(Number(input.value)))} ${slider.unit}`;
  }

  /** Asks for another network, or with PATCH for a change of this one. */
  async change(conditions, method = "PUT") {
    const asked = this.isOwn ? { ...conditions, name: this.me() } : conditions;
    const said = await ask("/api/network", { method, body: JSON.stringify(asked), headers: this.headers });
    byId("network-refusal").textContent = said.detail ?? "";
    if (!said.detail) await this.look();
  }

  async draw() {
    if (document.hidden || this.isFrozen) return;
    const now = await ask("/api/connection", { headers: this.headers });
    if (now.detail) return;
    this.past.push(now);
    this.past.splice(0, this.past.length - SHOWN);
    byId("state").textContent = `${now.state.replaceAll("_", " ")}, ${now.retransmissions} sent again`;
    for (const chart of CHARTS) drawChart(chart, this.past);
  }
}

async function ask(path, options = {}) {
  const headers = { ...(options.body && { "content-type": "application/json" }), ...options.headers };
  try {
    return await (await fetch(path, { ...options, headers })).json();
  } catch {
    return { detail: "The server cannot be reached" };
  }
}

/** Value of a slider or of the choice of controllers, as the command line has it. */
function valueOf({ name, value }) {
  return SLIDERS[name] ? `${rounded(SLIDERS[name].at(Number(value)))}${SLIDERS[name].unit}` : value;
}

function rounded(value) {
  return Number(value.toPrecision(2));
}

function drawChart({ id, title, unit, none, of, also }, past) {
  const canvas = byId(`chart-${id}`);
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const values = past.map(of);
  const bounds = also ? past.map(also) : [];
  const most = Math.max(1e-9, ...values.filter(Number.isFinite), ...bounds.filter((value) => value > 0 && value < 1e5));
  const last = values.at(-1);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const line = (series, colour) => {
    pen.strokeStyle = style.getPropertyValue(colour);
    pen.beginPath();
    series.forEach((value, n) => {
      const x = (n / (SHOWN - 1)) * canvas.width;
      const y = canvas.height - 2 - (Math.min(value, most) / most) * (canvas.height - 16);
      if (Number.isFinite(value)) pen.lineTo(x, y);
    });
    pen.stroke();
  };
  pen.lineWidth = 1;
  line(bounds, "--dim");
  pen.lineWidth = 2;
  line(values, "--mark");
  const words = Number.isFinite(last) ? `${rounded(last)} ${unit}` : none;
  pen.fillStyle = style.getPropertyValue("--text");
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(words, 2, 11);
  canvas.setAttribute("aria-label", `${title}: ${words}`);
}
