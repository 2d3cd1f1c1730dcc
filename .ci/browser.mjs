// A headless Chromium, driven over the DevTools protocol by a pipe: no packages.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Browser {
  #child;
  #profile = mkdtempSync(join(tmpdir(), "testbed-browser-"));
  #waiting = new Map();
  #next = 1;
  #rest = "";
  requests = []; // every address that a page asked for
  complaints = []; // errors and warnings of the console

  constructor(program) {
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe", `--user-data-dir=${this.#profile}`, "about:blank"];
    this.#child = spawn(program, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.#child.stdio[4].on("data", (bytes) => this.#take(bytes.toString("utf8")));
  }

  #take(text) {
    const messages = (this.#rest + text).split("\0");
    this.#rest = messages.pop();
    for (const message of messages.map((each) => JSON.parse(each))) {
      if (message.id) {
        const { resolve, reject } = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (message.error) reject(new Error(message.error.message));
        else resolve(message.result);
      } else if (message.method === "Network.requestWillBeSent") this.requests.push(message.params.request.url);
      else if (message.method === "Runtime.exceptionThrown") this.complaints.push(message.params.exceptionDetails.exception?.description ?? message.params.exceptionDetails.text);
      else if (message.method === "Log.entryAdded") this.complaints.push(message.params.entry.text);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async page(width, height) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId, targetId);
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await page.send(`${domain}.enable`);
    await page.size(width, height);
    return page;
  }

  async close() {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    await Promise.race([this.send("Browser.close").catch(() => {}), pause(3000)]);
    await Promise.race([gone, pause(3000)]);
    this.#child.kill("SIGKILL");
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  constructor(browser, session, target) {
    Object.assign(this, { browser, session, target });
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  size(width, height, mobile = false) {
    return this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
  }

  dark(is) {
    return this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: is ? "dark" : "light" }] });
  }

  async open(address) {
    await this.send("Page.navigate", { url: address });
  }

  // Value of an expression in the page, awaited.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression, ms = 20000) {
    for (const end = Date.now() + ms; Date.now() < end; await pause(10)) {
      if (await this.evaluate(expression).catch(() => false)) return;
    }
    throw new Error(`in ${ms} ms never: ${expression}`);
  }

  mouse(type, x, y, buttons = 0) {
    return this.send("Input.dispatchMouseEvent", { type, x, y, button: buttons || type !== "mouseMoved" ? "left" : "none", buttons, clickCount: 1 });
  }

  async click(selector) {
    const { x, y } = await this.middle(selector);
    await this.mouse("mousePressed", x, y, 1);
    await this.mouse("mouseReleased", x, y);
  }

  middle(selector) {
    return this.evaluate(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: "center" });
      const b = e.getBoundingClientRect(); return { x: b.x + b.width / 2, y: b.y + b.height / 2, left: b.x, right: b.right }; })()`);
  }

  async key(key, code = key) {
    const codes = { ArrowRight: 39, ArrowLeft: 37, Enter: 13, Tab: 9, Home: 36, End: 35 };
    for (const type of ["keyDown", "keyUp"]) await this.send("Input.dispatchKeyEvent", { type, key, code, windowsVirtualKeyCode: codes[key] });
  }

  // The window's part of the page as PNG, or all of it.
  async shot(file, whole = false) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
    writeFileSync(file, Buffer.from(data, "base64"));
  }
}
