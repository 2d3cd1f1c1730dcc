// A headless Chromium, driven over a pipe by the DevTools protocol; needs nothing but node.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
];

export class Browser {
  constructor(program) {
    this.folder = mkdtempSync(join(tmpdir(), "web-chat-"));
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
    if (asked) {
      this.asked.delete(message.id);
      if (message.error) asked.reject(new Error(`${asked.method}: ${message.error.message}`));
      else asked.resolve(message.result);
    } else {
      for (const listener of this.listeners) listener(message);
    }
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = ++this.number;
    this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    return new Promise((resolve, reject) => this.asked.set(id, { method, resolve, reject }));
  }

  async page(width, height) {
    const { targetId } = await this.ask("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId, targetId);
    await page.ask("Page.enable");
    await page.ask("Runtime.enable");
    await page.ask("Log.enable");
    await page.ask("Emulation.setFocusEmulationEnabled", { enabled: true });
    await page.resize(width, height);
    return page;
  }

  async close() {
    await this.ask("Browser.close").catch(() => {});
    await Promise.race([new Promise((resolve) => this.process.once("exit", resolve)), sleep(3_000)]);
    this.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

export class Page {
  constructor(browser, sessionId, targetId) {
    Object.assign(this, { browser, sessionId, targetId, faults: [] });
    browser.listeners.push(({ method, params, sessionId: from }) => {
      if (from !== sessionId) return;
      if (method === "Runtime.exceptionThrown") this.faults.push(params.exceptionDetails.exception?.description);
      // A lost connection is logged, and is no fault of the page.
      if (method === "Log.entryAdded" && params.entry.level === "error" && params.entry.source !== "network") {
        if (!/WebSocket connection/.test(params.entry.text)) this.faults.push(params.entry.text);
      }
    });
  }

  ask(method, params) {
    return this.browser.ask(method, params, this.sessionId);
  }

  async goto(url) {
    await this.ask("Page.navigate", { url });
    await this.until("document.readyState === 'complete'");
  }

  async resize(width, height) {
    await this.ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  }

  async scheme(value) {
    await this.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
  }

  async value(expression) {
    const asked = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", asked);
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  async until(expression, seconds = 15) {
    for (const end = Date.now() + seconds * 1_000; Date.now() < end; await sleep(50)) {
      if (await this.value(expression)) return;
    }
    throw new Error(`never true: ${expression}\nthe page says: ${await this.value("document.body.innerText")}`);
  }

  async key(key, modifiers = 0) {
    const code = { Enter: 13, Tab: 9, Escape: 27, ArrowUp: 38, ArrowDown: 40 }[key];
    const text = key === "Enter" && !modifiers ? "\r" : undefined;
    const common = { key, code: key, windowsVirtualKeyCode: code, modifiers };
    await this.ask("Input.dispatchKeyEvent", { type: "keyDown", text, ...common });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }

  /** Types a text where the cursor is, and Enter. */
  async types(text) {
    await this.ask("Input.insertText", { text });
    await this.key("Enter");
  }

  /** A real click in the middle of an element. */
  async click(selector) {
    const at = await this.value(`(() => { const found = document.querySelector(${JSON.stringify(selector)});
      found.scrollIntoView({ block: "nearest" }); const box = found.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; })()`);
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.ask("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
    }
  }

  async shot(file) {
    const { data } = await this.ask("Page.captureScreenshot", { format: "png" });
    writeFileSync(file, Buffer.from(data, "base64"));
  }

  /** Bytes of the page's own heap, after a collection. */
  async heap() {
    await this.ask("HeapProfiler.collectGarbage");
    return (await this.ask("Runtime.getHeapUsage")).usedSize;
  }
}
