// The beginning of a trial, drawn while the whole of it still runs.

import { Engine, latest } from "./engine.js";

const ENOUGH_MS = 250; // a trial that takes no longer is drawn as a whole only: to share a processor costs time
const FIRST_MS = 20; // work for the first picture
const GROWTH = 4; // of the part that each further one shows
const MOST = 0.6; // no longer part: the whole is about to come
const LATE_MS = 100; // between looks at a part that runs: it ends when its experiment is out of date

export class Preview {
  #engine = new Engine();
  #newest = 0;
  #show;
  #push = latest((asked) => this.#run(asked));

  // `show(number, picture)` is called with the beginning of a trial.
  constructor(show) {
    this.#show = show;
  }

  // Begins the trial of a request, the experiment of that `number`; a whole one takes so many milliseconds, and so
  // many seconds of network.
  push(number, request, took, duration) {
    if (took <= ENOUGH_MS) return;
    this.#newest = number;
    this.#push({ number, request, took, duration });
  }

  // The experiment of this number is drawn: what is still on its way is of no use.
  done(number) {
    if (this.#newest <= number) this.#newest = 0;
  }

  async #run({ number, request, took, duration }) {
    const { cell, trial } = request;
    for (let part = FIRST_MS / took; part < MOST && number === this.#newest; part *= GROWTH) {
      const late = setInterval(() => number !== this.#newest && this.#engine.stop(), LATE_MS);
      const { answers } = await this.#engine.ask({ do: "open", ...request }, { do: "run", cell, trial, until: part * duration })
        .finally(() => clearInterval(late));
      if (!answers[1]?.flows) return;
      if (number === this.#newest) this.#show(number, answers[1]);
    }
  }
}

// The beginning of a trial with the rest of the picture before; nothing if these do not fit together.
export function spliced(early, before) {
  if (early.duration_s !== before.duration_s || early.interval_s !== before.interval_s) return undefined;
  const until = Math.max(...early.links.map((link) => link.time_s.at(-1) ?? 0));
  const same = (a) => (b) => a.name === b.name && a.direction === b.direction;
  // Lines keep their places, and with these their colours; one that has not begun yet is old from there on.
  const join = (list) => [
    ...before[list].map((old) => joined(early[list].find(same(old)) ?? emptied(old), old, until)),
    ...early[list].filter((line) => !before[list].some(same(line))),
  ];
  return { ...before, flows: join("flows"), links: join("links"), until };
}

const emptied = (line) =>
  Object.fromEntries(Object.entries(line).map(([name, column]) => [name, Array.isArray(column) ? [] : column]));

const COUNTS = new Set(["drops", "marks", "delivered_bytes"]); // since the start: the rest goes on from there

function joined(line, old, until) {
  const from = old.time_s.findIndex((time) => time > until);
  if (from < 0) return line;
  const of = (name, column) => {
    if (!Array.isArray(column)) return column;
    const more = COUNTS.has(name) ? (column.at(-1) ?? 0) - (old[name][from - 1] ?? 0) : 0;
    return [...column, ...(more === 0 ? old[name].slice(from) : old[name].slice(from).map((value) => value + more))];
  };
  return Object.fromEntries(Object.entries(line).map(([name, column]) => [name, of(name, column)]));
}
