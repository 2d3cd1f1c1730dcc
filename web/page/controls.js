// The scenario as a form. Sliders and words change keys; the engine's answer sets them all anew.

import { html } from "./dom.js";
import { keyWords, nudged, queueWords, scaleOf, spoken } from "./units.js";

const ARROWS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

// Sections by link, group and the rest, in the order of the controls.
function sectionOf(key) {
  const [head, name] = key.split(".");
  if (head === "link") return `Link ${name}`;
  if (head === "clients") return `Clients ${name}`;
  return "Everyone";
}

export class Controls {
  #root;
  #change;
  #rows = new Map();
  #shapes = {};

  // `change(key, value)` is called for each turn of a control, without a value for one that is taken back;
  // `pick(axis, place)` for another cell, `all()` for a table of every cell.
  constructor(root, change, pick, all) {
    this.#root = root;
    root.append(html("div", { class: "axes" }), html("div", { class: "rows" }));
    this.#change = change;
    this.pick = pick;
    this.all = all;
  }

  // Shows an experiment; elements stay while its keys stay, so that a drag goes on.
  show(form, sets) {
    const axes = form.axes.filter((axis) => axis.values.length > 1 || sets.has(axis.key));
    this.#once("axes", JSON.stringify(axes), () =>
      axes.length > 0 ? [section("Compared", [...axes.map((axis) => this.#axis(axis, form.axes.indexOf(axis))), this.#table()])] : []);
    this.#once("rows", JSON.stringify(form.controls.map((control) => [control.key, kindOf(control)])), () => this.#sections(form));
    form.axes.forEach((axis, n) => {
      const inputs = this.#root.querySelectorAll(`input[name="axis-${n}"]`);
      inputs.forEach((input, place) => (input.checked = axis.values[place] === form.values[n]));
    });
    for (const control of form.controls) this.#rows.get(control.key)?.(control, form);
  }

  // Fills a part of the form, if it has another shape than before.
  #once(part, shape, build) {
    if (this.#shapes[part] === shape) return;
    this.#shapes[part] = shape;
    this.#root.querySelector(`.${part}`).replaceChildren(...build());
  }

  #sections(form) {
    this.#rows.clear();
    const sections = new Map();
    // A swept table has no single value.
    const whole = form.axes.filter((axis) => axis.values[0].startsWith("{")).map((axis) => axis.key);
    for (const control of form.controls.filter(({ key }) => !whole.includes(key))) {
      const name = sectionOf(control.key);
      if (!sections.has(name)) sections.set(name, []);
      sections.get(name).push(this.#row(control));
    }
    return [...sections].map(([name, rows]) => section(name, rows));
  }

  #axis(axis, number) {
    const [head, name] = axis.key.split(".");
    const whose = ["link", "clients"].includes(head) ? `${name}: ` : "";
    const words = whose + keyWords(axis.key).toLowerCase();
    const chips = axis.values.map((value, place) => {
      const input = html("input", { type: "radio", name: `axis-${number}`, value: place });
      input.addEventListener("change", () => this.pick(number, place));
      return html("label", { class: "chip" }, input, html("span", {}, spoken(value)));
    });
    const again = axis.values.length === 1 && html("button", { type: "button", class: "plain" }, "compare again");
    if (again) again.addEventListener("click", () => this.#change(axis.key, undefined));
    return html("div", { class: "axis", role: "radiogroup", "aria-label": words, id: `axis-${number}` },
      html("span", { class: "name", title: axis.key }, words), html("span", { class: "chips" }, ...chips, again));
  }

  #table() {
    const button = html("button", { type: "button", class: "plain" }, "all of them in one table");
    button.addEventListener("click", () => this.all());
    return html("div", {}, button);
  }

  #row(control) {
    const words = keyWords(control.key);
    const id = `control-${control.key.replaceAll(".", "-")}`;
    const label = html("label", { for: id, title: `${control.key}: ${control.doc}` }, words);
    if (control.words.length > 0) {
      const options = control.words.map(([word, doc]) => html("option", { value: word, title: doc }, word));
      const select = html("select", { id }, ...options);
      select.addEventListener("change", () => this.#change(control.key, select.value));
      this.#rows.set(control.key, ({ value }) => (select.value = value));
      return html("div", { class: "row" }, label, select);
    }
    let scale = scaleOf(control);
    const text = html("input", { type: "text", id: scale ? `${id}-text` : id, spellcheck: "false", "aria-label": words });
    text.addEventListener("change", () => this.#change(control.key, text.value.trim()));
    if (!scale) {
      this.#rows.set(control.key, ({ value }) => settled(text, value));
      return html("div", { class: "row" }, label, text);
    }
    const range = html("input", { type: "range", id, min: 0, max: scale.steps, step: 1 });
    const turned = () => {
      const value = scale.at(Number(range.value));
      text.value = value;
      range.setAttribute("aria-valuetext", spoken(value));
      this.#change(control.key, value);
    };
    range.addEventListener("input", turned);
    range.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      range.value = nudged(scale, Number(range.value), way);
      turned();
    });
    const isQueue = control.key.endsWith("queue.limit");
    const note = isQueue && html("small", { class: "quiet", id: `${id}-note` });
    if (isQueue) range.setAttribute("aria-describedby", note.id);
    this.#rows.set(control.key, (now, form) => {
      if (isQueue) note.textContent = queueWords(now.key, form.links);
      // While it is turned, the scale stays as it is.
      if (document.activeElement !== range) {
        scale = scaleOf(now) ?? scale;
        range.value = scale.place;
      }
      range.setAttribute("aria-valuetext", spoken(now.value));
      settled(text, now.value);
    });
    return html("div", { class: "row slider" }, label, text, range, note);
  }
}

function kindOf(control) {
  if (control.words.length > 0) return "words";
  return scaleOf(control) ? "slider" : "text";
}

function section(name, rows) {
  return html("fieldset", {}, html("legend", {}, name), ...rows);
}

function settled(input, value) {
  if (document.activeElement !== input) input.value = value;
}
