// The page: an experiment, its picture, and what hangs together.

import { Controls } from "./controls.js";
import { byId, html, say } from "./dom.js";
import { Engine, latest, provide, setOwn } from "./engine.js";
import { histograms } from "./histogram.js";
import { SAMPLE, isUsed, showDecisions } from "./own.js";
import { Panels, legend, readout } from "./panels.js";
import { Play } from "./play.js";
import { Preview, spliced } from "./preview.js";
import { Results } from "./results.js";
import { asPng, command, fragment, fromFragment, save, seriesCsv, standalone } from "./share.js";
import { load } from "./source.js";
import { keyWords, spoken } from "./units.js";

const PIN = "Pin this run, to compare";
const SLOW_MS = 1500; // a trial that takes longer is given up when something changes

const engine = new Engine();
let shipped = [];
let experiment; // { file, text, files, sets, cell, trial, own }
let form, picture, pinned;
let shown; // the picture as its curves stand: behind the beginning of a newer one, the rest of it is old
let changes = 0, early; // changes so far; the beginning of the trial that runs: { number, picture }
let inText = true; // false while something that was set has no place in the text

const own = ({ file } = experiment) => shipped.find((scenario) => scenario.file === file);
const request = (of = experiment) => ({
  file: of.path ?? own(of)?.path ?? of.file, text: of.text, files: of.files,
  sets: [...of.sets].map(([key, value]) => `${key}=${value}`), cell: of.cell, trial: of.trial,
});

const controls = new Controls(byId("controls"), setKey, pickCell, () => {
  results.all();
  byId("results").scrollIntoView({ behavior: "smooth" });
});
const panels = new Panels(byId("panels"), (time) => {
  showReadout(time);
  if (!playing) play.seek(time);
}, () => picture && drawPicture());
let playing = false;
const play = new Play((time) => {
  playing = true;
  panels.moveTo(time);
  playing = false;
});
const preview = new Preview((number, beginning) => {
  early = { number, picture: beginning };
  drawCurves();
  showLegend();
  document.body.dataset.begun = Number(document.body.dataset.begun ?? 0) + 1;
});
const results = new Results(() => ({ request: request(), own: experiment.own, form, took: picture?.took }));

// In one column (style.css) the curves come first, for the keyboard too.
const narrow = matchMedia("(max-width: 860px)");
const arrange = () => document.querySelector("main").prepend(byId(narrow.matches ? "curves" : "conditions"));
narrow.addEventListener("change", arrange);
arrange();

// A key set to a value, or as the text has it. One value of an axis leaves the others where they are.
function setKey(key, value) {
  if (value === undefined) {
    experiment.sets.delete(key);
    experiment.cell = 0;
  } else {
    const axis = form.axes.findIndex((each) => each.key === key);
    if (axis >= 0 && !experiment.sets.has(key)) experiment.cell = cellAt((n) => (n === axis ? [0, 1] : undefined));
    experiment.sets.set(key, value);
  }
  refresh();
}

// Number of the cell at the shown values, but for those axes of which `other` gives place and size. The last axis
// runs fastest.
function cellAt(other) {
  return form.axes.reduce((cell, axis, n) => {
    const [place, size] = other(n) ?? [axis.values.indexOf(form.values[n]), axis.values.length];
    return cell * size + place;
  }, 0);
}

function pickCell(axis, place) {
  experiment.cell = cellAt((n) => (n === axis ? [place, form.axes[n].values.length] : undefined));
  refresh();
}

const draw = latest(async () => {
  // The experiment as it is drawn, while newer changes wait: it labels the run.
  const drawn = { ...experiment, sets: new Map(experiment.sets) }, number = changes;
  const asked = request(drawn);
  began = performance.now();
  const slow = setTimeout(() => status("running … a change ends it"), SLOW_MS);
  const { answers, took, decisions, refusal } =
    await engine.askFirst(showOpened, { do: "open", ...asked }, { do: "run", cell: asked.cell, trial: asked.trial });
  clearTimeout(slow);
  began = undefined;
  preview.done(number);
  if (early?.number <= number) forgetEarly();
  const [opened, ran] = answers;
  if (opened.failure) showDecisions(true, [], opened.failure);
  if (opened.problems || opened.failure) return;
  if (asked.cell !== form.cell || asked.trial >= form.trials) {
    [experiment.cell, experiment.trial] = [form.cell, Math.min(asked.trial, form.trials - 1)];
    return refresh();
  }
  const used = isUsed(form);
  if (used) byId("own").open = true;
  showDecisions(used, decisions, refusal ?? ran.failure);
  if (ran.failure) {
    // Title, controls and path are those of what failed; what is left of the last run says that it is not of it.
    clearTimeout(waiting);
    byId("curves").classList.add("stale");
    results.clear();
    showCommand(drawn);
    play.show(form, asked);
    return status(ran.failure, true);
  }
  picture = { ...ran, took, drawn, form, words: describe(drawn) };
  byId("curves").classList.remove("stale");
  drawPicture();
  status(`${form.duration_s} s of network, ${picture.events.toLocaleString("en")} events, in ${took.toFixed(0)} ms; seed ${picture.seed}`);
  settle();
});

// The scenario as it was read, while its trial runs.
function showOpened(opened) {
  showProblems(opened);
  if (opened.problems || opened.failure) return;
  form = opened;
  showForm();
}

let began; // when the trial that runs began
function refresh() {
  changes++;
  clearTimeout(waiting); // a drag goes on: what belongs to its rest would take time from it
  draw();
  if (picture?.drawn.file === experiment.file && !isUsed(form)) preview.push(changes, request(), picture.took, picture.duration_s);
  if (performance.now() - began > SLOW_MS) engine.stop("given up for what was changed");
}

function drawPicture() {
  say("pinned-words", pinned && pinned === picture ? "Now change something: the next run is drawn over this one." : "");
  drawCurves();
  histograms(byId("latency"), picture.latencies, pinned?.latencies, panels.width);
  results.figures(picture, pinned);
  document.body.dataset.drawn = Number(document.body.dataset.drawn ?? 0) + 1;
}

// A picture that is older than the beginning of another lies behind that one.
function drawCurves() {
  shown = (early && spliced(early.picture, picture)) ?? picture;
  panels.draw(shown, pinned);
}

// The whole takes the place of a beginning, or fails.
function forgetEarly() {
  if (!early) return;
  early = undefined;
  drawCurves();
  showLegend();
}

function showLegend() {
  byId("legend").replaceChildren(...legend(shown, pinned, (flow) => panels.stress(flow)));
  if (panels.time !== null) showReadout(panels.time);
}

function showReadout(time) {
  if (shown) byId("readout").replaceChildren(...readout(shown, time).map((words) => html("span", {}, words)));
}

// The rest, once a drag has come to rest.
let waiting;
function settle() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    showLegend();
    panels.moveTo(panels.time ?? picture.duration_s / 2);
    const { drawn, form } = picture;
    play.show(form, request(drawn));
    showCommand(drawn);
    history.replaceState(null, "", `#${await fragment(drawn, own(drawn), SAMPLE)}`);
    const { answers } = await engine.ask({ do: "written" });
    if (picture.drawn !== drawn) return; // the next one has its own rest
    const text = byId("text");
    inText = typeof answers[0].text === "string";
    if (document.activeElement !== text && inText) text.value = answers[0].text;
    results.show(form);
  }, 120);
}

function showCommand(of) {
  const { line, file } = command(of, own(of));
  byId("command").textContent = line;
  byId("command-note").textContent = isUsed(form) ? "but the controller is this page's own, and the command does not have it"
    : file ? `with the scenario saved as ${file}` : "";
}

function showForm() {
  document.title = `${form.title} – testbed`;
  say("title", form.title);
  say("expect", form.expect);
  controls.show(form, experiment.sets);
  const trial = byId("trial");
  if (trial.options.length !== form.trials) {
    trial.replaceChildren(...Array.from({ length: Math.min(form.trials, 200) }, (_, n) => html("option", { value: n }, `${n} (of ${form.trials})`)));
  }
  trial.value = experiment.trial;
  trial.parentElement.hidden = form.trials < 2;
  byId("reset").hidden = experiment.sets.size === 0 && experiment.text === own()?.text;
}

function status(words, wrong = false) {
  byId("status").textContent = words;
  byId("status").classList.toggle("wrong", wrong);
}

function showProblems(answer) {
  const problems = answer.problems ?? answer.warnings ?? [];
  const wrong = Boolean(answer.problems ?? answer.failure);
  if (answer.failure) status(answer.failure, true);
  byId("errors").replaceChildren(...problems.map((problem) => {
    const place = problem.set === null ? `line ${problem.line}, column ${problem.column}` : `--set ${request().sets[problem.set] ?? ""}`;
    const words = [`${problem.error ? "error" : "warning"}: ${problem.message}  (${place})`, problem.text, problem.caret];
    if (problem.help) words.push(`help: ${problem.help}`);
    return html("pre", { class: problem.error ? "" : "odd" }, words.join("\n"));
  }));
  byId("text").setAttribute("aria-invalid", String(wrong));
  if (wrong) {
    byId("curves").classList.add("stale");
    if (problems[0]) status(`${problems[0].message}. ${problems[0].help}`, true);
  }
}

async function open(next) {
  changes++;
  preview.done(Infinity);
  forgetEarly();
  experiment = next;
  setOwn(experiment.own);
  pinned = undefined;
  byId("pin").textContent = PIN;
  byId("text").value = experiment.text;
  byId("own-text").value = experiment.own;
  byId("pick").value = experiment.file;
  results.clear();
  await draw();
}

const titleOf = ({ file, text }) => /^title\s*=\s*"(.+)"\s*$/m.exec(text)?.[1] ?? file.replace(/\.toml$/, "");
const fresh = (scenario) => ({ ...scenario, sets: new Map((scenario.sets ?? []).map((set) => [set.split("=")[0], set.slice(set.indexOf("=") + 1)])), cell: 0, trial: 0, own: SAMPLE });

function wire() {
  byId("text").addEventListener("input", () => {
    experiment.text = byId("text").value;
    if (inText) experiment.sets = new Map();
    refresh();
  });
  byId("own-text").addEventListener("input", () => {
    experiment.own = byId("own-text").value;
    setOwn(experiment.own);
    results.clear();
    refresh();
  });
  byId("own-use").addEventListener("click", () => {
    const keys = form.controls.map((control) => control.key).filter((key) => key.endsWith("congestion"));
    setKey(keys.find((key) => key.startsWith("clients.")) ?? keys[0], "own");
  });
  byId("trial").addEventListener("change", () => {
    experiment.trial = Number(byId("trial").value);
    refresh();
  });
  byId("reset").addEventListener("click", () => open(fresh(own() ?? shipped[0])));
  byId("pick").addEventListener("change", () => open(fresh(shipped.find((scenario) => scenario.file === byId("pick").value))));
  byId("pin").addEventListener("click", () => {
    if (!picture) return;
    pinned = pinned ? undefined : picture;
    byId("pin").textContent = pinned ? "Let the pinned run go" : PIN;
    drawPicture();
    settle();
  });
  byId("copy").addEventListener("click", async () => {
    history.replaceState(null, "", `#${await fragment(experiment, own(), SAMPLE)}`);
    copied(location.href, "the link holds this experiment");
  });
  byId("copy-command").addEventListener("click", () => copied(byId("command").textContent, "copied"));
  byId("save").addEventListener("change", async () => {
    const kind = byId("save").value, drawing = byId("panels").querySelector("svg");
    byId("save").value = "";
    const isCurves = kind === "svg" || kind === "png";
    if (isCurves && shown !== picture) return status("these curves are half of an older trial; save them when the new one is done", true);
    if (kind === "svg") save("curves.svg", "image/svg+xml", standalone(drawing));
    if (kind === "png") save("curves.png", "image/png", await asPng(drawing));
    if (kind === "csv") save("flows.csv", "text/csv", seriesCsv(picture));
    if (kind === "toml") save("experiment.toml", "text/plain", byId("text").value);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", async () => {
    const next = await fromFragment(location.hash.slice(1), shipped, SAMPLE).catch(() => undefined);
    if (next) open(next);
  });
  addEventListener("beforeprint", () => {
    byId("text").style.height = "auto";
    byId("text").rows = byId("text").value.split("\n").length;
  });
}

// A run in words: its cell, and what was set.
function describe({ sets: changes, trial }) {
  const cell = form.axes.map((axis, n) => axis.values.length > 1 && spoken(form.values[n])).filter(Boolean);
  const sets = [...changes].map(([key, value]) => `${keyWords(key).toLowerCase()} ${spoken(value)}`);
  return [...cell, ...sets, trial > 0 && `trial ${trial}`].filter(Boolean).join(", ");
}

async function copied(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    status(`copied: ${words}`);
  } catch {
    prompt(words, text);
  }
}

async function begin() {
  const source = await load();
  shipped = source.scenarios;
  byId("version").textContent = source.version;
  provide(source.workerUrl, source.module);
  byId("pick").append(...shipped.map((scenario) => html("option", { value: scenario.file }, titleOf(scenario))));
  byId("pick-label").hidden = shipped.length < 2;
  wire();
  const linked = location.hash.length > 1 && (await fromFragment(location.hash.slice(1), shipped, SAMPLE).catch(() => undefined));
  await open(linked || fresh(shipped[0]));
  if (location.hash.length > 1 && !linked) status("this page does not have the experiment of its address; here is its own", true);
}

begin().catch((error) => status(`the page could not begin: ${error.message}`, true));
