// The path drawn as a world of its own: packets move, wait, fall out; windows breathe.

import { Engine } from "./engine.js";
import { COLOURS } from "./chart.js";
import { byId } from "./dom.js";
import { digits } from "./units.js";

const SENDERS = 120, SERVER = 60; // pixels at both sides
const GRAVITY = 500; // pixels a second squared
const MOST_FALLING = 60;

// Links in the order in which paths cross them from the left to the right; a path may cross some the other way.
function ordered(form) {
  const hops = form.groups.flatMap(({ path }) => path.map(({ link, backwards }, n) => ({ link, n: backwards ? path.length - 1 - n : n })));
  const place = form.links.map((_, link) => Math.max(-1, ...hops.filter((hop) => hop.link === link).map((hop) => hop.n)));
  const used = form.links.map((_, link) => link).filter((link) => place[link] >= 0);
  return used.sort((a, b) => place[a] - place[b] || a - b);
}

export class Play {
  #engine = new Engine();
  #canvas = byId("path");
  #falling = [];
  #widest = 1; // bytes of the widest window so far
  #experiment;
  #frame;
  #running = false;
  #time = 0;
  #seek;

  // `moved(time)` is told where time is.
  constructor(moved) {
    this.moved = moved;
    byId("play").addEventListener("click", () => (this.#running ? this.pause() : this.start()));
    byId("step").addEventListener("click", () => this.#once(this.#speed() * 0.1));
    byId("speed").addEventListener("input", () => this.#showSpeed());
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    this.#showSpeed();
  }

  #speed() {
    return 10 ** (Number(byId("speed").value) / 100);
  }

  #showSpeed() {
    const speed = this.#speed();
    const words = speed >= 0.95 ? "real time" : `${Number((1 / speed).toPrecision(2))} times slower`;
    byId("speed-words").textContent = words;
    byId("speed").setAttribute("aria-valuetext", words);
  }

  // Another experiment, or another cell of it; time stays, if it was running.
  show(form, request) {
    const slowest = Math.max(0.001, ...form.groups.map((group) =>
      group.path.reduce((sum, { link }) => sum + form.links[link].directions.reduce((ms, way) => ms + way.delay_ms, 0), 0) / 1000));
    if (!this.#experiment) {
      // A round trip takes about two seconds.
      byId("speed").value = String(Math.round(100 * Math.log10(Math.min(1, slowest / 2))));
      this.#showSpeed();
    }
    this.#experiment = { form, request };
    if (this.#running) {
      this.#seek = this.#time;
      this.#restart();
    } else {
      this.#frame = undefined;
      this.#draw();
    }
  }

  // The next start is at this time.
  seek(time) {
    this.#seek = time;
  }

  async start() {
    if (!this.#experiment) return;
    this.#running = true;
    byId("play").textContent = "❚❚ Pause";
    byId("readout").ariaLive = "off"; // it changes with each frame
    if (this.#seek !== undefined || !this.#frame || this.#frame.over) await this.#restart();
    if (!this.#frame) return;
    let before;
    const tick = async (now) => {
      if (!this.#running) return;
      const passed = Math.min(0.1, (now - (before ?? now)) / 1000);
      before = now;
      await this.#advance(this.#time + passed * this.#speed(), passed);
      if (this.#frame?.over) this.pause();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  // Stands still; with words if it cannot go on.
  pause(failure) {
    this.#running = false;
    byId("play").textContent = "▶ Play";
    byId("readout").ariaLive = "polite";
    if (failure) byId("path-words").textContent = `It cannot be played: ${failure}.`;
    else this.#describe();
  }

  async #once(seconds) {
    this.pause();
    if (!this.#frame || this.#seek !== undefined) await this.#restart();
    if (!this.#frame) return;
    await this.#advance(this.#time + seconds, 0.1);
    this.#describe();
  }

  async #restart() {
    const { form, request } = this.#experiment;
    const from = this.#seek ?? 0;
    // At once: another restart may begin before this one is answered.
    [this.#time, this.#seek] = [from, undefined];
    const watch = { do: "watch", cell: form.cell, trial: request.trial };
    const { answers } = await this.#engine.ask({ do: "open", ...request }, watch, { do: "advance", to: Math.min(from, form.duration_s * 0.999) });
    const { links, failure, problems } = answers.at(-1);
    this.#frame = links ? answers.at(-1) : undefined;
    if (!links) this.pause(failure ?? problems[0].message);
    this.#time = this.#frame?.time_s ?? from;
    this.#falling = [];
    this.#draw();
  }

  async #advance(to, passed) {
    const { answers } = await this.#engine.ask({ do: "advance", to });
    const frame = answers[0];
    if (!frame.links) return this.pause(frame.failure);
    this.#fall(frame, passed);
    this.#frame = frame;
    this.#time = frame.time_s;
    this.#draw();
    this.moved(frame.time_s);
  }

  // Packets that went since the last frame fall from where they were refused.
  #fall(frame, passed) {
    frame.links.forEach((link, place) => {
      const before = this.#frame?.links[place];
      if (!before) return;
      const add = (count, where) => {
        for (let n = 0; n < Math.min(count, 6) && this.#falling.length < MOST_FALLING; n++) {
          this.#falling.push({ place, where, age: 0, spin: Math.random() * 6, drift: (Math.random() - 0.7) * 60 });
        }
      };
      add(link.dropped - before.dropped, "queue");
      add(link.lost - before.lost, "wire");
    });
    for (const one of this.#falling) one.age += passed;
    this.#falling = this.#falling.filter((one) => one.age < 0.8);
  }

  #describe() {
    if (!this.#frame) return;
    const sum = (part) => this.#frame.links.reduce((total, link) => total + (link[part].length ?? link[part]), 0);
    byId("path-words").textContent =
      `${this.#time.toFixed(3)} s: ${sum("wire")} packets on the way, ${sum("queue")} wait; ${sum("dropped")} dropped by queues and ${sum("lost")} lost so far.${this.#turned()}`;
  }

  // Groups whose packets go the other way somewhere.
  #turned() {
    const groups = this.#experiment.form.groups.filter(({ path }) => path.some((hop) => hop.backwards)).map((group) => group.name);
    return groups.length > 0 ? ` Of ${groups.join(", ")}, some links are crossed from the right to the left.` : "";
  }

  #draw() {
    if (!this.#experiment) return;
    const canvas = this.#canvas, { form } = this.#experiment;
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const look = palette();
    const links = ordered(form), side = width < 500 ? 64 : SENDERS;
    pen.font = "12px system-ui, sans-serif";
    // Links with a queue or a delay have more room.
    const weights = links.map((link) => form.links[link].directions.reduce((sum, way) => sum + (way.rate_mbit ? 2 : 0) + (way.delay_ms > 0 ? 1 : 0.3), 0));
    const share = (width - side - SERVER) / weights.reduce((sum, weight) => sum + weight, 0);
    let left = side;
    const ends = {}; // of links, with the place to their left and to their right
    links.forEach((link, n) => {
      const span = weights[n] * share;
      this.#link(pen, look, form.links[link], 2 * link, { left, width: span - 14, height });
      ends[link] = [left - 7, left + span - 7];
      left += span;
    });
    this.#senders(pen, look, form, side, height);
    this.#servers(pen, look, form, ends, height);
    pen.fillStyle = look.ink;
    pen.textAlign = "center";
    pen.strokeStyle = look.line;
    pen.strokeRect(width - SERVER + 6, height * 0.3, SERVER - 12, height * 0.45);
    pen.fillText("server", width - SERVER / 2, height * 0.55);
    pen.textAlign = "right";
    pen.fillText(this.#frame ? `${this.#time.toFixed(3)} s` : "", width - 8, 16);
  }

  #link(pen, look, link, place, box) {
    const { left, width, height } = box;
    pen.textAlign = "left";
    pen.fillStyle = look.ink;
    const speed = link.directions[0].rate_mbit, rate = speed ? `, ${digits(speed)} Mbit/s` : "";
    pen.fillText(clipped(pen, `${link.name}${link.per_client ? " (each)" : ""}${rate}, ${digits(link.directions[0].delay_ms)} ms`, width), left, 16);
    [0, 1].forEach((way) => {
      const y = height * (way === 0 ? 0.42 : 0.8), deep = height * (way === 0 ? 0.34 : 0.2);
      const rated = link.directions[way].rate_mbit !== null;
      const box = rated ? Math.min(130, width * 0.42) : 0;
      const at = (part) => (way === 0 ? left + box + part * (width - box) : left + width - box - part * (width - box));
      pen.strokeStyle = look.line;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(at(0), y);
      pen.lineTo(at(1), y);
      pen.stroke();
      const inside = this.#frame?.links[place + way];
      if (rated) this.#queue(pen, look, link.directions[way], inside, { x: way === 0 ? left : left + width - box, y: y - deep / 2, width: box, deep, way });
      const wire = inside?.wire ?? [], most = Math.max(2, Math.min(4.5, ((width - box) / (wire.length + 1)) * 0.55));
      for (const [flow, size, part] of wire) packet(pen, look, flow, at(part / 1000), y, size, most);
      for (const one of this.#falling.filter((each) => each.place === place + way)) {
        const x = one.where === "queue" && rated ? (way === 0 ? left + 4 : left + width - 4) : at(0.04);
        fallen(pen, look, x + one.drift * one.age, y + (one.where === "queue" ? -deep / 2 : 0) + GRAVITY * 0.5 * one.age ** 2, one);
      }
    });
  }

  // Waiting packets in rows: the next to leave is nearest to the wire.
  #queue(pen, look, direction, inside, { x, y, width, deep, way }) {
    const limit = direction.queue_packets ?? 100, waiting = inside?.queue ?? [];
    const area = (width * deep) / Math.max(limit, waiting.length, 1), cell = Math.max(2.2, Math.min(11, Math.sqrt(area)));
    const rows = Math.max(1, Math.floor(deep / cell)), columns = Math.floor(width / cell);
    pen.strokeStyle = look.muted;
    pen.strokeRect(x, y, width, deep);
    waiting.slice(0, rows * columns).forEach(([flow, size], n) => {
      const across = (Math.floor(n / rows) + 0.5) * cell, down = ((n % rows) + 0.5) * cell;
      packet(pen, look, flow, way === 0 ? x + width - across : x + across, y + down, size, cell * 0.42);
    });
    pen.fillStyle = look.muted;
    pen.textAlign = way === 0 ? "left" : "right";
    const words = waiting.length > 0 ? `${waiting.length} wait` : way === 0 ? direction.queue : "";
    pen.fillText(words, way === 0 ? x : x + width, y + deep + 13);
  }

  // Servers that stand between two links, with the groups that they serve; the others stand at the right.
  #servers(pen, look, form, ends, height) {
    const right = Math.max(...Object.values(ends).flat()), served = new Map();
    for (const { name, path } of form.groups) {
      const { link, backwards } = path.at(-1), x = ends[link][backwards ? 0 : 1];
      if (x < right) served.set(x, [...(served.get(x) ?? []), name]);
    }
    for (const [x, names] of served) {
      pen.fillStyle = look.ink;
      pen.fillRect(x - 4, height * 0.63, 8, 8);
      pen.textAlign = "right";
      pen.fillText(clipped(pen, `server of ${names.join(", ")}`, Math.min(150, x - 12)), x - 8, height * 0.63 + 8);
    }
  }

  // A disc for each sender's window, filled as far as it is in flight.
  #senders(pen, look, form, side, height) {
    const flows = (this.#frame?.flows ?? []).slice(0, 10);
    const room = (height - 30) / Math.max(1, flows.length);
    const most = Math.max(...flows.map((flow) => flow.cwnd_bytes ?? flow.flight_bytes), this.#widest);
    this.#widest = Math.max(most, 1);
    flows.forEach((flow, n) => {
      const y = 26 + room * (n + 0.5), full = Math.min(room / 2, side / 3) * 0.95;
      const radius = (bytes) => Math.max(1.5, full * Math.sqrt(bytes / this.#widest));
      pen.strokeStyle = look.flow[flow.flow % COLOURS];
      pen.fillStyle = pen.strokeStyle;
      pen.globalAlpha = 0.3;
      disc(pen, side - 30, y, radius(flow.flight_bytes));
      pen.fill();
      pen.globalAlpha = 1;
      pen.lineWidth = flow.phase === "recovery" || flow.phase === "loss" ? 3 : 1.5;
      disc(pen, side - 30, y, radius(flow.cwnd_bytes ?? flow.flight_bytes));
      pen.stroke();
      packet(pen, look, flow.flow, 10, y, 1500);
      pen.fillStyle = look.ink;
      pen.textAlign = "left";
      const window = flow.cwnd_bytes === null ? "∞" : `${digits(flow.cwnd_bytes / 1000)} kB`;
      if (room > 14) pen.fillText(window, 20, y + 4);
    });
    if (flows.length === 0) {
      pen.fillStyle = look.muted;
      pen.textAlign = "left";
      form.groups.slice(0, 6).forEach((group, n) => pen.fillText(clipped(pen, `${group.count} × ${group.name}`, side - 14), 4, 40 + 18 * n));
    }
  }
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const flow = Array.from({ length: COLOURS }, (_, n) => of(`--flow-${n}`));
  return { ink: of("--ink"), muted: of("--muted"), line: of("--line-strong"), drop: of("--drop"), flow };
}

// Each flow has a colour and a shape. Acknowledgments are small.
function packet(pen, look, flow, x, y, size, most = 4.5) {
  const radius = size > 200 ? most : Math.min(2, most * 0.6);
  pen.fillStyle = look.flow[flow % COLOURS];
  pen.beginPath();
  const shape = flow % 4;
  if (shape === 0) pen.arc(x, y, radius, 0, 7);
  else if (shape === 1) pen.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  else if (shape === 2) {
    pen.moveTo(x - radius, y + radius);
    pen.lineTo(x, y - radius);
    pen.lineTo(x + radius, y + radius);
  } else {
    pen.moveTo(x, y - radius * 1.2);
    pen.lineTo(x + radius * 1.2, y);
    pen.lineTo(x, y + radius * 1.2);
    pen.lineTo(x - radius * 1.2, y);
  }
  pen.fill();
}

function fallen(pen, look, x, y, { spin, age }) {
  pen.save();
  pen.translate(x, y);
  pen.rotate(spin + age * 4);
  pen.globalAlpha = 1 - age / 0.8;
  pen.strokeStyle = look.drop;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(-4, -4);
  pen.lineTo(4, 4);
  pen.moveTo(4, -4);
  pen.lineTo(-4, 4);
  pen.stroke();
  pen.restore();
}

function disc(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
}

function clipped(pen, words, width) {
  if (pen.measureText(words).width <= width) return words;
  let short = words;
  while (short.length > 1 && pen.measureText(`${short}…`).width > width) short = short.slice(0, -1);
  return `${short}…`;
}
