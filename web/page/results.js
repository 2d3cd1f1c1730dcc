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

  // `experiment()` gives the request, the form, and how long its trial took in milliseconds.
  constructor(experiment) {
    this.#experiment = experiment;
    byId("all").addEventListener("click", () => this.all());
  }

  clear() {
    this.#run++;
    this.#shown = "";
    byId("summary").replaceChildren();
    byId("sentences").textContent = "";
    byId("all-words").textContent = "";
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
    byId("figures").replaceChildren(html("table", {},
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Figures"), ...head)),
      html("tbody", {}, row(named("this trial", picture), known), pinned && row(named("pinned", pinned), pinned.figures))));
  }

  // The experiment has come to rest: its grid, if that is soon done.
  show(form) {
    const { request, took } = this.#experiment();
    const key = JSON.stringify([request.text, request.sets]);
    const trials = form.cells * form.trials;
    byId("all").textContent = trials === 1 ? "Run the trial" : `Run all ${trials} trials`;
    if (key === this.#shown) return this.#mark(form);
    this.clear();
    this.#shown = key;
    const expected = took * trials;
    byId("all-words").textContent = expected > AUTO_MS ? `about ${digits(expected / 1000)} s` : "";
    if (expected <= AUTO_MS) this.all();
  }

  // Runs every trial of every cell: table and sentences.
  async all() {
    const run = ++this.#run;
    await this.#engine.stop();
    const { request, form } = this.#experiment();
    const trials = form.cells * form.trials;
    const progress = byId("progress");
    Object.assign(progress, { max: trials, value: 0, hidden: false });
    await this.#engine.ask({ do: "open", ...request });
    for (let n = 0; n < trials && run === this.#run; n++) {
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
    this.#mark(form);
  }

  // The row of the cell that is shown.
  #mark(form) {
    byId("summary").querySelectorAll("tbody tr").forEach((row, n) => row.classList.toggle("now", n === form.cell));
  }
}
