// The page as a person uses it: opened, dragged, typed into, shared, printed.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pause } from "./browser.mjs";

const FIRST_MS = 1000, MEDIAN_MS = 50, P95_MS = 120; // bars, on a machine with nothing else to do
const BUSY = 6; // by so much a busy machine may be slower
const DRAGS = 60;
// Nothing on its path takes time, so that time stands still.
const ENDLESS = `duration = "10s"
[link.wire]
delay = "0ms"
[[clients]]
name = "one"
path = ["wire"]
app = { kind = "bulk" }
`;

const drawn = "Number(document.body.dataset.drawn ?? 0)";
const text = (id) => `document.getElementById("${id}").textContent`;

export async function drive(browser, work, check) {
  const address = pathToFileURL(join(work, "lab.html")).href;
  const page = await browser.page(1320, 1000);
  await firstPicture(page, address, check);
  await dragging(page, check);
  await previewing(page, check);
  await pinning(page, check);
  await linking(browser, page, check);
  await typing(page, check);
  await playing(page, check);
  await ownController(page, check);
  await refusing(page, check);
  await otherSizes(page, check);
  await chat(browser, pathToFileURL(join(work, "chat.html")).href, check);
  await question(browser, pathToFileURL(join(work, "three.html")).href, check);
}

// Every page opens to a picture.
export async function opens(page, file, name, check) {
  await page.goto(pathToFileURL(file).href);
  await page.until(`${drawn} >= 1`, 60);
  const [title, wrong] = await page.value(`[${text("title")}, document.querySelector("#status.wrong")?.textContent ?? ""]`);
  const kinds = await page.value(`[...document.querySelectorAll("#latency svg")].filter((each) => each.querySelectorAll(".bar").length > 1).length`);
  check(title !== "testbed" && wrong === "", `${name} opens: ${title}${kinds ? `, ${kinds} histograms` : ""} ${wrong}`);
  return kinds;
}

async function firstPicture(page, address, check) {
  const started = Date.now();
  await page.goto(address);
  await page.until(`${drawn} >= 1`);
  const took = Date.now() - started;
  check(took <= BUSY * FIRST_MS, `first picture after ${took} ms (bar ${FIRST_MS})`);
  check(/Sharing a bottleneck/.test(await page.value(text("title"))), "the title is the scenario's");
}

// From each move of the mouse on the slider to the picture on the screen.
async function dragging(page, check) {
  const slider = "#control-link-bottleneck-queue-limit";
  await page.value(`(() => {
    const times = (globalThis.times = []);
    let moved;
    document.querySelector("${slider}").addEventListener("input", () => (moved ??= performance.now()), true);
    new MutationObserver(() => requestAnimationFrame(() => {
      if (moved !== undefined) times.push(performance.now() - moved);
      moved = undefined;
    })).observe(document.body, { attributes: true, attributeFilter: ["data-drawn"] });
  })()`);
  const { left, right, y } = await page.middle(slider);
  const knob = left + (right - left) * 0.5;
  await page.mouse("mousePressed", knob, y, 1);
  for (let n = 0; n < DRAGS; n++) {
    const before = await page.value(drawn);
    await page.mouse("mouseMoved", left + (right - left) * (0.2 + (0.5 * n) / DRAGS), y, 1);
    await page.until(`${drawn} > ${before}`, 2).catch(() => {});
    await pause(15);
  }
  await page.mouse("mouseReleased", left + (right - left) * 0.7, y);
  const times = (await page.value("times")).sort((a, b) => a - b);
  const [median, p95] = [times[times.length >> 1], times[Math.floor(times.length * 0.95)]];
  check(times.length >= DRAGS * 0.8, `${times.length} of ${DRAGS} moves of the slider were drawn`);
  const words = `drag to redraw: median ${median.toFixed(0)} ms (bar ${MEDIAN_MS}), p95 ${p95.toFixed(0)} ms (bar ${P95_MS})`;
  check(median <= BUSY * MEDIAN_MS && p95 <= BUSY * P95_MS, words);
  await pause(400);
  check(/queue\.limit=/.test(await page.value(text("command"))), "the command has what was dragged");
  const own = await page.value(`document.getElementById("text").value`);
  const value = await page.value(`document.querySelector("${slider}-text").value`);
  check(own.includes(`"${value}"`), `the scenario's text has it too: ${value}`);
}

// Of a trial that takes longer, the beginning stands before the rest, and the rest is said to be old until then.
async function previewing(page, check) {
  const set = (key, value) => page.value(`(() => { const input = document.getElementById("control-link-bottleneck-${key}-text");
    input.value = "${value}"; input.dispatchEvent(new Event("change")); })()`);
  const change = async (key, value) => {
    const before = await page.value(drawn);
    await set(key, value);
    await page.until(`${drawn} > ${before}`);
  };
  await change("rate", "400mbit");
  await page.value(`(() => { const set = performance.now(); globalThis.stood = {};
    const notes = new MutationObserver(() => { const name = document.querySelector("#panels .old") ? "begun" : "drawn";
      stood[name] ??= Math.round(performance.now() - set); if (stood.drawn) notes.disconnect(); });
    notes.observe(document.getElementById("panels"), { childList: true }); })()`);
  await change("queue-limit", "300 packets");
  const { begun, drawn: whole } = await page.value("stood");
  check(begun < whole, `the beginning of a longer trial stands after ${begun} ms, the whole after ${whole} ms`);
  const isBegun = `document.querySelector("#panels .old") !== null`;
  await set("queue-limit", "200 packets");
  await page.until(isBegun);
  await page.value(`(() => { const save = document.getElementById("save"); save.value = "svg"; save.dispatchEvent(new Event("change")); })()`);
  check(/half of an older trial/.test(await page.value(text("status"))), "curves of two trials are not saved as one");
  await set("queue-limit", "nonsense");
  await page.until(`document.querySelector("#status.wrong") && !document.querySelector("#status.wrong").textContent.includes("half of")`);
  check(!(await page.value(isBegun)), "a trial that is refused leaves no beginning behind");
  await page.click("#reset");
  await page.until(`document.querySelector("#control-link-bottleneck-rate-text").value === "20mbit"`);
  await pause(500);
}

async function pinning(page, check) {
  await page.click("#pin");
  const before = await page.value(drawn);
  await page.value(`document.querySelector("#control-link-bottleneck-rate").focus()`);
  for (let n = 0; n < 3; n++) await page.key("ArrowLeft");
  await page.until(`${drawn} > ${before}`);
  await pause(300);
  const lines = await page.value(`[...document.querySelectorAll(".pinned")].filter((line) => line.getAttribute("d").length > 100).length`);
  check(lines >= 4, `a pinned run lies behind the next: ${lines} lines`);
  const rows = await page.value(`document.querySelectorAll("#figures tbody tr").length`);
  check(rows === 2, "its figures stand beside those of the next");
  await page.click("#pin");
}

async function linking(browser, page, check) {
  await pause(300);
  const address = await page.value("location.href");
  const shown = `[${text("figures")}, ${text("command")}, document.getElementById("text").value]`;
  const ours = await page.value(shown);
  const other = await browser.page(1320, 1000);
  await other.goto(address);
  await other.until(`${drawn} >= 1`);
  await other.until(`${text("command")} !== ""`);
  await pause(500);
  const theirs = await other.value(shown);
  check(JSON.stringify(ours) === JSON.stringify(theirs), `a link gives the same experiment: #${address.split("#")[1]}`);
}

async function typing(page, check) {
  await page.value(`(() => { const area = document.getElementById("text"); area.focus();
    area.value = area.value.replace('delay = "20ms"', 'dellay = "20ms"'); area.dispatchEvent(new Event("input")); })()`);
  await page.until(`${text("errors")} !== ""`);
  const words = await page.value(text("errors"));
  check(/\^{6}/.test(words) && /did you mean/.test(words), "a mistake is shown with a caret and its mend");
  await page.value(`(() => { const area = document.getElementById("text");
    area.value = area.value.replace('dellay = "20ms"', 'delay = "35ms"'); area.dispatchEvent(new Event("input")); area.blur(); })()`);
  await page.until(`document.querySelector("#control-link-bottleneck-delay-text").value === "35ms"`);
  check((await page.value(text("errors"))) === "", "a change of the text is one of the sliders");
}

async function playing(page, check) {
  await page.value(`document.getElementById("panels").focus()`);
  for (let n = 0; n < 4; n++) await page.key("ArrowRight");
  check(/^\d/.test(await page.value(text("readout"))), "the arrow keys move the cursor");
  await page.click("#play");
  await page.until(`document.getElementById("play").textContent.includes("Pause")`);
  await pause(1500);
  await page.click("#play");
  await page.until(`/packets on the way/.test(${text("path-words")})`);
  const words = await page.value(text("path-words"));
  const moving = Number(/(\d+) packets on the way/.exec(words)?.[1]);
  check(moving > 5, `packets move: ${words}`);
}

async function ownController(page, check) {
  const write = (words) => page.value(`(() => { const area = document.getElementById("own-text");
    area.value = ${JSON.stringify(words)}; area.dispatchEvent(new Event("input")); })()`);
  await page.value(`document.getElementById("own").open = true`);
  await page.click("#own-use");
  await page.until(`document.querySelectorAll("#decisions tbody tr").length > 10`);
  check(true, "a controller of the page's own runs beside Reno, and its decisions are listed");
  await write("function onAck(s) { s.cwnd = 0 / 0; }");
  await page.until(`/refused: onAck at .* NaN/.test(${text("own-refused")})`);
  check(true, "a window that is no number is refused");
  await write("function onAck(s) { for (;;); }");
  await page.until(`/loop without end/.test(${text("own-refused")})`, 20);
  check(true, "an endless loop is stopped");
  const before = await page.value(drawn);
  await write("function onLoss(s) { s.cwnd /= 2; }");
  await page.until(`${drawn} > ${before}`);
  check((await page.value(text("own-refused"))) === "", "after it the page goes on");
}

// A world that cannot go on is refused with its reason, and the curves of the run before say that they are old.
async function refusing(page, check) {
  await page.value(`(() => { const area = document.getElementById("text"); area.focus();
    area.value = ${JSON.stringify(ENDLESS)}; area.dispatchEvent(new Event("input")); area.blur(); })()`);
  await page.until(`/time/.test(document.querySelector("#status.wrong")?.textContent ?? "")`);
  check(await page.value(`document.getElementById("curves").classList.contains("stale")`), `what cannot run says why: ${await page.value(text("status"))}`);
  await page.click("#reset");
  await page.until(`document.querySelector("#status.wrong") === null && !document.getElementById("curves").classList.contains("stale")`);
}

async function otherSizes(page, check) {
  await page.resize(390, 844, true);
  await pause(500);
  const wide = await page.value("document.documentElement.scrollWidth");
  check(wide <= 390, `at 390 pixels nothing stands out (${wide})`);
  const tops = await page.value(`[...document.querySelectorAll("main section")].map((part) => part.getBoundingClientRect().top)`);
  check(tops.every((top, n) => n === 0 || top > tops[n - 1]), "the Tab key goes down the column, from part to part");
  await page.resize(1320, 1000);
  const { length, unlike } = await page.value(`(() => { const lines = [...document.querySelectorAll("#panels .line[data-flow]")].slice(0, 4);
    return { length: lines.length, unlike: new Set(lines.map((line) => line.getAttribute("stroke-dasharray"))).size }; })()`);
  check(length > 1 && unlike === length, `${length} flows have ${unlike} kinds of lines, whatever their colours`);
  for (const scheme of ["light", "dark"]) {
    await page.scheme(scheme);
    const worst = await page.value(`(() => {
      const style = getComputedStyle(document.documentElement), pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const light = (name) => { pen.fillStyle = style.getPropertyValue(name); pen.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const paper = light("--paper");
      return Math.min(...["--ink", "--muted"].map((name) => { const ink = light(name); return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); }));
    })()`);
    check(worst >= 4.5, `${scheme}: contrast of its words at least ${worst.toFixed(1)} to 1 (WCAG asks for 4.5)`);
  }
  await page.scheme("light");
  const { data } = await page.ask("Page.printToPDF", { printBackground: true });
  const printed = Buffer.from(data, "base64");
  check(printed.subarray(0, 4).toString() === "%PDF" && printed.length > 20_000, `printed: ${printed.length} bytes`);
}

async function chat(browser, address, check) {
  const page = await browser.page(1320, 1000);
  await page.goto(address);
  await page.until(`${drawn} >= 1`);
  const bars = await page.value(`document.querySelectorAll("#latency .bar").length`);
  check(bars > 5, `latency of messages has ${bars} bars`);
  const unnamed = await page.value(`[...document.querySelectorAll("input, select, textarea, button")].filter((each) =>
    !each.labels?.length && !each.getAttribute("aria-label") && !each.textContent.trim()).map((each) => each.outerHTML)`);
  check(unnamed.length === 0, `every control has a name ${unnamed.join(" ")}`);
  await page.value(`document.querySelectorAll("input[name=axis-1]")[3].click()`);
  await page.until(`/cell=3/.test(location.hash)`);
  check(true, "another cell of the grid is one click away");
}

// The questions of a new user: clicks alone, and figures to answer with.
async function question(browser, address, check) {
  const page = await browser.page(1320, 1000);
  await page.goto(address);
  await page.until(`${drawn} >= 1`);
  await page.until(`/when full, one more waits/.test(${text("controls")})`);
  check(true, "a queue's limit says how long it makes one wait");
  const next = async (act) => {
    const before = await page.value(drawn);
    await act();
    await page.until(`${drawn} > ${before}`);
  };
  const chip = (axis, place) => next(() => page.value(`document.querySelectorAll("input[name=axis-${axis}]")[${place}].click()`));
  const rows = () => page.value(`[...document.querySelectorAll("#figures tbody tr")].map((row) => row.textContent)`);
  const figure = (row, name) => page.value(`(() => { const heads = [...document.querySelectorAll("#figures thead th")].findIndex((head) => head.textContent.startsWith("${name}"));
    return Number(document.querySelectorAll("#figures tbody tr")[${row}].children[heads].textContent); })()`);
  await next(() => page.click("#pin"));
  await chip(1, 3);
  check((await figure(0, "median latency")) > 5 * (await figure(1, "median latency")), `a queue of 32 BDP beside one of a half: ${(await rows()).join(" | ")}`);
  await next(() => page.value(`(() => { const pick = document.getElementById("pick"); pick.value = "loss10.toml"; pick.dispatchEvent(new Event("change")); })()`));
  await chip(1, 3);
  check(/keep no window/.test(await page.value(text("panels"))), "senders without a window are said to have none");
  await next(() => page.click("#pin"));
  await chip(0, 1);
  check((await figure(1, "goodput")) > 3 * (await figure(0, "goodput")), `Reno at 10 % loss beside none: ${(await rows()).join(" | ")}`);
}

// Pictures of the documentation.
export async function pictures(browser, work, folder) {
  const open = async (name, width, height, mobile) => {
    const page = await browser.page(width, height);
    await page.resize(width, height, mobile);
    await page.goto(pathToFileURL(join(work, name)).href);
    await page.until(`${drawn} >= 1`);
    await pause(1000);
    return page;
  };
  const set = (page, key, value) => page.value(`(() => { const input = document.getElementById("control-${key}-text");
    input.value = "${value}"; input.dispatchEvent(new Event("change")); })()`);
  const page = await open("lab.html", 1180, 800);
  await page.click("#pin");
  await set(page, "link-bottleneck-queue-limit", "400 packets");
  await pause(1500);
  await page.value("scrollTo(0, 0)");
  await page.shot(join(folder, "browser-fairness.png"));
  const moving = await open("chat.html", 1180, 330);
  await moving.value(`document.querySelectorAll("input[name=axis-1]")[2].click()`);
  await pause(1500);
  await moving.click("#play");
  await pause(2500);
  await moving.value(`document.getElementById("world").scrollIntoView()`);
  await pause(200);
  await moving.shot(join(folder, "browser-packets.png"));
  const narrow = await open("chat.html", 390, 800, true);
  await narrow.scheme("dark");
  await pause(500);
  await narrow.shot(join(folder, "browser-narrow.png"));
}
