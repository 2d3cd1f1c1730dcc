// A headless Chromium, driven over a pipe by the DevTools protocol: needs nothing but node.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
];
const KEYS = { Enter: 13, Tab: 9, Escape: 27, Home: 36, End: 35, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40 };

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Browser {
  requests = []; // every address that a page asked for
  complaints = []; // exceptions, and all that the browser logged

  constructor(program) {
    this.folder = mkdtempSync(join(tmpdir(), "testbed-browser-"));
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"];
    this.process = spawn(program, [...FLAGS, `--user-data-dir=${this.folder}`, "about:blank"], { stdio });
    this.asked = new Map();
    this.number = 0;
    this.listeners = [];
    let rest = "";
    this.process.stdio[4].on("data", (data) => {
      const parts = (rest + data).split("\0");
      rest = parts.pop();
      for (const part of parts) this.hear(JSON.parse(part));
    });
  }

  hear(message) {
    const asked = this.asked.get(message.id);
    if (!asked) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    this.asked.delete(message.id);
    if (message.error) asked.reject(new Error(`${asked.method}: ${message.error.message}`));
    else asked.resolve(message.result);
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = ++this.number;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.asked.set(id, { method, resolve, reject }));
  }

  async page(width, height) {
    const { targetId } = await this.ask("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId, targetId);
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await page.ask(`${domain}.enable`);
    await page.ask("Emulation.setFocusEmulationEnabled", { enabled: true });
    await page.resize(width, height);
    return page;
  }

  async close() {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    await Promise.race([this.ask("Browser.close").catch(() => {}), pause(3_000)]);
    await Promise.race([gone, pause(3_000)]);
    this.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

export class Page {
  faults = []; // exceptions and errors of this page; a connection that is lost is none

  constructor(browser, sessionId, targetId) {
    Object.assign(this, { browser, sessionId, targetId });
    browser.listeners.push(({ method, params, sessionId: from }) => {
      if (from === sessionId) this.hear(method, params);
    });
  }

  hear(method, params) {
    if (method === "Network.requestWillBeSent") this.browser.requests.push(params.request.url);
    if (method === "Runtime.exceptionThrown") {
      const words = params.exceptionDetails.exception?.description ?? params.exceptionDetails.text;
      this.faults.push(words);
      this.browser.complaints.push(words);
    }
    if (method === "Log.entryAdded") {
      const { level, source, text } = params.entry;
      this.browser.complaints.push(text);
      if (level === "error" && source !== "network" && !/WebSocket connection/.test(text)) this.faults.push(text);
    }
  }

  ask(method, params) {
    return this.browser.ask(method, params, this.sessionId);
  }

  async goto(url) {
    await this.ask("Page.navigate", { url });
    await this.until("document.readyState === 'complete'");
  }

  resize(width, height, mobile = width < 500) {
    return this.ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
  }

  scheme(value) {
    return this.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
  }

  /** Value of an expression in the page, awaited. */
  async value(expression) {
    const asked = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", asked);
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  }

  async until(expression, seconds = 20) {
    for (const end = Date.now() + seconds * 1_000; Date.now() < end; await pause(10)) {
      if (await this.value(expression).catch(() => false)) return;
    }
    throw new Error(`never true: ${expression}\nthe page says: ${await this.value("document.body.innerText")}`);
  }

  async key(key, modifiers = 0) {
    const text = key === "Enter" && !modifiers ? "\r" : undefined;
    const common = { key, code: key, windowsVirtualKeyCode: KEYS[key], modifiers };
    await this.ask("Input.dispatchKeyEvent", { type: "keyDown", text, ...common });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }

  /** Types a text where the cursor is, and Enter. */
  async types(text) {
    await this.ask("Input.insertText", { text });
    await this.key("Enter");
  }

  mouse(type, x, y, buttons = 0) {
    const button = buttons || type !== "mouseMoved" ? "left" : "none";
    return this.ask("Input.dispatchMouseEvent", { type, x, y, button, buttons, clickCount: 1 });
  }

  /** Middle and sides of an element, which comes into view. */
  middle(selector) {
    return this.value(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: "center" });
      const b = e.getBoundingClientRect(); return { x: b.x + b.width / 2, y: b.y + b.height / 2, left: b.x, right: b.right }; })()`);
  }

  /** A real click in the middle of an element. */
  async click(selector) {
    const { x, y } = await this.middle(selector);
    await this.mouse("mousePressed", x, y, 1);
    await this.mouse("mouseReleased", x, y);
  }

  /** The window's part of the page as PNG, or all of it. */
  async shot(file, whole = false) {
    // Of a tab behind another a picture takes seconds.
    await this.ask("Page.bringToFront");
    const { data } = await this.ask("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
    writeFileSync(file, Buffer.from(data, "base64"));
  }

  /** Bytes of the page's own heap, after a collection. */
  async heap() {
    await this.ask("HeapProfiler.collectGarbage");
    return (await this.ask("Runtime.getHeapUsage")).usedSize;
  }
}
