// Tables and sentences.

import { Engine } from "./engine.js";
import { byId, html } from "./dom.js";
import { digits } from "./units.js";

const AUTO_MS = 4000; // a grid that takes no longer is run by itself

export class Results {
  #engine = new Engine();
  #experiment;
  #run = 0;
  #shown = "";

  // `experiment()` gives the request, its own controller, the form of what is shown, and how long its trial took in
  // milliseconds.
  constructor(experiment) {
    this.#experiment = experiment;
    byId("all").addEventListener("click", () => this.all());
  }

  clear() {
    this.#run++;
    this.#shown = "";
    byId("summary").replaceChildren();
    byId("below").classList.remove("wide");
    byId("sentences").textContent = "";
    byId("all-words").textContent = "";
    byId("progress").hidden = true;
    byId("findings").replaceChildren();
  }

  // Figures of the shown trial, and of the pinned one below it.
  figures(picture, pinned) {
    const known = picture.figures;
    const row = (name, figures) => html("tr", {}, html("th", { scope: "row" }, name),
      ...known.map(({ column }) => html("td", {}, figures.find((figure) => figure.column === column)?.value ?? "–")));
    const named = (name, { words }) => (words ? `${name}: ${words}` : name);
    const head = known.map(({ column, words, unit }) =>
      html("th", { scope: "col", title: column }, words, unit && html("small", {}, ` ${unit}`)));
    byId("figures").replaceChildren(html("table", { "aria-label": "Figures of the curves" },
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Figures"), ...head)),
      html("tbody", {}, row(named("this trial", picture), known), pinned && row(named("pinned", pinned), pinned.figures))));
  }

  // The experiment has come to rest: its grid, if that is soon done.
  show(form) {
    const { took } = this.#experiment();
    const trials = form.cells * form.trials;
    byId("all").textContent = trials === 1 ? "Run the trial" : `Run all ${trials} trials`;
    if (!this.#turn()) return this.#mark();
    const expected = took * trials;
    byId("all-words").textContent = expected > AUTO_MS ? `about ${digits(expected / 1000)} s` : "";
    if (expected <= AUTO_MS) this.all();
  }

  // Clears what belongs to another experiment; true if there was another.
  #turn() {
    const { request, own } = this.#experiment();
    const key = JSON.stringify([request.text, request.sets, own]);
    if (key === this.#shown) return false;
    this.clear();
    this.#shown = key;
    return true;
  }

  // Runs every trial of every cell: table and sentences. It may be asked for before the curves of the same
  // experiment stand, so that it takes nothing from them.
  async all() {
    this.#turn();
    const run = ++this.#run;
    const { request } = this.#experiment();
    const progress = byId("progress");
    progress.hidden = false;
    progress.removeAttribute("value");
    await this.#engine.stop();
    if (run !== this.#run) return;
    const { answers: [form] } = await this.#engine.ask({ do: "open", ...request });
    if (run !== this.#run) return;
    if (form.problems || form.failure) {
      progress.hidden = true;
      byId("all-words").textContent = form.failure ?? form.problems[0].message;
      return;
    }
    const trials = form.cells * form.trials;
    Object.assign(progress, { max: trials, value: 0 });
    for (let n = 0; n < trials; n++) {
      const { answers } = await this.#engine.ask({ do: "trial", cell: Math.floor(n / form.trials), trial: n % form.trials });
      if (run !== this.#run) return;
      if (answers[0].failure) {
        byId("all-words").textContent = answers[0].failure;
        break;
      }
      progress.value = n + 1;
      byId("all-words").textContent = `${n + 1} of ${trials} trials`;
    }
    const { answers } = await this.#engine.ask({ do: "say" });
    if (run !== this.#run) return;
    progress.hidden = true;
    this.#tables(answers[0], form);
  }

  #tables({ headings, rows, findings, failure }, form) {
    if (failure) return void (byId("all-words").textContent = failure);
    byId("sentences").textContent = findings.verdict.join(" ");
    const signs = { holds: "✓", fails: "✗", open: "?" };
    byId("findings").replaceChildren(
      ...(findings.claims ?? []).map((claim) => html("li", { class: claim.verdict }, `${signs[claim.verdict]} ${claim.text}`)),
      ...findings.warnings.map((warning) => html("li", {}, `warning: ${warning.text}`)));
    const words = form.axes.length;
    const cell = (name, place, text) => html(name, { class: place < words ? "words" : "", scope: name === "th" ? "col" : undefined }, text);
    byId("summary").replaceChildren(html("table", {},
      html("caption", {}, "Means over all trials, ± 95 % interval"),
      html("thead", {}, html("tr", {}, ...headings.map((text, n) => cell("th", n, text)))),
      html("tbody", {}, ...rows.map((row) => html("tr", {}, ...row.map((text, n) => cell("td", n, text)))))));
    byId("below").classList.add("wide");
    this.#mark();
  }

  // The row of the cell that is shown.
  #mark() {
    const { form } = this.#experiment();
    byId("summary").querySelectorAll("tbody tr").forEach((row, n) => row.classList.toggle("now", n === form.cell));
  }
}
