// Two pages that encrypt: they compare, talk, lose their connection, meet a relay that changes what it carries, a forger and a key
// that has changed; and nothing that they say is in what the server hears, logs or keeps.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const quoted = JSON.stringify;
const place = (key) => `.place[data-key=${quoted(key)}]`;
const shows = (words) => `document.getElementById("log").innerText.includes(${quoted(words)})`;
const says = (words) => `document.getElementById("secrecy-state").textContent.includes(${quoted(words)})`;
const presses = (what) => `[data-secrecy=${what}]`;

/** Between a page and the server: it changes a sign of the next text that is sealed, where it is told to. */
async function meddler(address, ends) {
  const [host, port] = address.split(":");
  const all = new Set();
  const relay = net.createServer((near) => {
    const far = net.connect(Number(port), host);
    near.pipe(far);
    far.on("data", (bytes) => {
      const at = bytes.indexOf("1.text.");
      if (relay.meddles && at >= 0) {
        const sign = bytes.indexOf(`"`, at) - 9;
        bytes[sign] = bytes[sign] === 65 ? 66 : 65;
        relay.meddles = false;
      }
      near.write(bytes);
    });
    for (const [one, other] of [[near, far], [far, near]]) {
      all.add(one);
      one.on("error", () => {});
      one.on("close", () => (all.delete(one), other.destroy()));
    }
  });
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
  relay.cut = () => all.forEach((socket) => socket.resetAndDestroy());
  ends.push(() => (relay.cut(), relay.close()));
  return relay;
}

/** `shared` are the helpers of the script that this is a part of. */
export async function keepSecrets(browser, { testbed, serve, listener, folder, ends, done }) {
  const disk = mkdtempSync(join(tmpdir(), "web-chat-secret-"));
  const { server, addresses, log } = await serve(
    { web: "127.0.0.1:0", slash: "127.0.0.1:0", admin: "127.0.0.1:0" },
    ["--log", "trace", "--store", join(disk, "chat.db"), "--log-file", join(disk, "chat.log"), "--max-message", "600B"],
  );
  const relay = await meddler(addresses.web, ends);
  const frames = [];
  browser.listeners.push(({ method, params }) => {
    if (/^Network\.webSocketFrame(Sent|Received)$/.test(method)) frames.push(params.response.payloadData);
  });
  const joins = async (page, name) => {
    await page.goto(`http://127.0.0.1:${relay.address().port}/`);
    await page.types(name);
    await page.until("!document.getElementById('chat').hidden");
  };
  const [kim, lea] = [await browser.page(1280, 720), await browser.page(390, 720)];
  await joins(kim, "kim");
  await joins(lea, "lea");
  const opens = async (page, key) => {
    await page.until(`document.querySelector(${quoted(place(key))}) !== null`);
    await page.value(`document.querySelector(${quoted(place(key))}).click()`);
  };
  const times = (page, words) => page.value(`document.getElementById("log").innerText.split(${quoted(words)}).length - 1`);
  const shots = async (name) => {
    for (const [page, width] of [[kim, 1280], [lea, 390]]) {
      for (const scheme of ["light", "dark"]) {
        await page.scheme(scheme);
        await sleep(200);
        assert.ok((await page.value("document.documentElement.scrollWidth")) <= width, `nothing is wider than ${width}`);
        await page.shot(join(folder, `${name}-${width}-${scheme}.png`));
      }
    }
  };

  /** A text is held: it stays where it was typed. */
  const holds = async (page, text, why) => {
    await page.types(text);
    await page.until(`document.getElementById("status").textContent.includes(${quoted(why)})`);
    assert.equal(await page.value("document.getElementById('text').value"), text);
    await page.value("document.getElementById('text').value = ''");
  };
  /** Two clicks in one place; what is there then does not say that the numbers are the same. */
  const clicksTwice = async (page, selector) => {
    const { x, y } = await page.middle(selector);
    for (const clickCount of [1, 2]) {
      for (const [type, buttons] of [["mousePressed", 1], ["mouseReleased", 0]]) {
        await page.ask("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons, clickCount });
      }
      await sleep(100);
    }
    assert.notEqual(await page.value(`document.elementFromPoint(${x}, ${y})?.dataset.secrecy`), "same");
  };
  /** Enter, held down. */
  const holdsEnter = async (page) => {
    const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 };
    for (let n = 0; n < 4; n += 1) {
      await page.ask("Input.dispatchKeyEvent", { type: "keyDown", text: "\r", autoRepeat: n > 0, ...key });
      await sleep(50);
    }
    await page.ask("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  };

  await opens(kim, "person:lea");
  await opens(lea, "person:kim");
  await kim.until(says("not encrypted"));
  await kim.types("said openly");
  await lea.until(shows("said openly"));
  await kim.click(presses("encrypt"));
  for (const page of [kim, lea]) await page.until(says("◆ encrypted, numbers not compared"));
  const number = (page) => page.value("document.getElementById('secrecy-number').textContent");
  assert.match(await number(kim), /^(\d{5} ){11}\d{5}$/);
  assert.equal(await number(kim), await number(lea));
  for (const page of [kim, lea]) await page.click("#secrecy summary");
  await shots("secret");
  await kim.click(presses("same"));
  for (const page of [kim, lea]) {
    await page.click("#secrecy summary");
    await page.click("#text");
  }
  await kim.until(says("numbers compared"));
  await kim.types("hush: the tea is green");
  await lea.until(shows("hush: the tea is green"));
  await lea.types("hush: and the cup is blue");
  await kim.until(shows("hush: and the cup is blue"));
  await kim.until("document.querySelectorAll('.unsent').length === 0");
  const signs = (page) => page.value("[...document.querySelectorAll('.entry .sign')].map(({ textContent }) => textContent).join()");
  assert.equal(await signs(kim), "◇ not encrypted,◆ encrypted,◆ encrypted");
  await kim.click("#secrecy summary");
  await kim.resize(1280, 560);
  await sleep(300);
  await kim.shot(join(folder, "web-chat-encrypted.png"));
  await kim.resize(1280, 720);
  await kim.click("#secrecy summary");
  await kim.click("#text");
  await kim.value(`(() => { const dataTransfer = new DataTransfer(); dataTransfer.items.add(new File(["open"], "a.txt"));
    document.getElementById("talk").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true })); })()`);
  await lea.until("document.querySelector('.entry.file .sign')?.textContent === '◇ not encrypted'");
  await lea.click("[data-presses=decline]");
  await kim.types(`hush: ${"long ".repeat(300)}`);
  await kim.until(shows("not sent: Message too long"));
  await holds(kim, "/tell LEA hush", "is not encrypted: write to lea without a command");
  await holds(kim, "/hush is no command", "goes to the server, not encrypted");
  await opens(kim, "all:");
  await kim.click("#text");
  await holds(kim, "/w lea hush", "is not encrypted: write to lea");
  await opens(kim, "person:lea");
  done("two pages encrypt, and compare; no line with a slash is sent");

  for (let n = 0; n < 3; n += 1) await kim.types(`hush before ${n}`);
  relay.cut();
  for (let n = 0; n < 3; n += 1) await lea.types(`hush meanwhile ${n}`);
  for (const page of [kim, lea]) await page.until("document.getElementById('status').textContent.includes('nothing was lost')", 30);
  await lea.until(shows("hush before 2"));
  await kim.until(shows("hush meanwhile 2"));
  for (let n = 0; n < 3; n += 1) {
    assert.equal(await times(lea, `hush before ${n}`), 1);
    assert.equal(await times(kim, `hush meanwhile ${n}`), 1);
  }
  assert.equal(await times(lea, "did not come"), 0);
  assert.equal(await times(lea, "a second time"), 0);
  done("they come back, and nothing is lost, doubled or out of order");

  relay.meddles = true;
  await kim.types("hush: this is changed on its way");
  await lea.until(shows("cannot be read: it was changed on its way, or forged"));
  await kim.until(shows("not sent: lea's page could not read it"));
  const forger = (words) => kim.value(`(() => { const socket = new WebSocket("ws://" + location.host + "/chat", ["chat.testbed"]);
    socket.onopen = () => ${quoted(words)}.forEach((words) => socket.send(JSON.stringify(words))); globalThis.forger = socket; })()`);
  const id = "A".repeat(11);
  const forged = [`1.key.tell.${"B".repeat(87)}`, `1.text.${id}.${id}.1.0.${"C".repeat(40)}`, "nonsense"];
  await forger([{ type: "join", username: "eve" }, ...forged.map((message) => ({ type: "sealed", to: "lea", message }))]);
  await lea.until(`document.querySelector(${quoted(`${place("person:eve")} .badge`)}) !== null`);
  await opens(lea, "person:eve");
  for (const words of ["What came as eve's key is none", "cannot be read", "does not understand"]) await lea.until(shows(words));
  await opens(lea, "person:kim");
  done("what was changed or forged is said");

  const terminal = spawn(testbed, ["chat", "bob", "--dialect", "slash", "--address", addresses.slash]);
  ends.push(() => terminal.kill("SIGKILL"));
  const bob = listener(terminal.stdout);
  await opens(kim, "person:bob");
  await kim.until(says("◇ not encrypted"));
  await kim.click(presses("encrypt"));
  await bob.until("kim has tried to write to you in encryption, which only the web page reads");
  await kim.until(shows("'bob' is on a client that reads no encrypted messages"));
  await kim.until(says("⚠ not encrypted, and nothing is sent"));
  await holds(kim, "hush: not openly", "sent no key");
  await kim.click(presses("stop"));
  await kim.until(says("◇ not encrypted"));
  assert.equal(await kim.value("document.getElementById('status').textContent"), "", "what was said of the key is over");
  await kim.types("then openly");
  await bob.until("then openly");
  await opens(kim, "person:lea");
  done("a terminal reads a line, and its partner is told");

  await lea.goto("about:blank");
  await kim.until(shows("lea left"));
  await joins(lea, "lea");
  await kim.until(shows("lea came in"));
  await kim.types("hush: for the page of before");
  await kim.until(shows("lea's key has changed"));
  await kim.until(says("⚠ lea's key has changed"));
  await opens(lea, "person:kim");
  await lea.until(shows("it is for a key that this page does not have"));
  await kim.types("hush: held");
  assert.equal(await kim.value("document.getElementById('text').value"), "hush: held", "nothing is sent with a key that nobody has accepted");
  assert.equal(await number(kim), await number(lea));
  await shots("secret-changed");
  await kim.value(`document.querySelector(${quoted(presses("accept"))}).focus()`);
  await holdsEnter(kim);
  await kim.until(says("numbers not compared"));
  assert.equal(await kim.value("document.getElementById('text').value"), "hush: held", "Enter accepts, and sends nothing");
  await kim.click("#text");
  await kim.key("Enter");
  await lea.until(shows("hush: held"));
  await lea.types("hush: it is I");
  await kim.until(shows("hush: it is I"));
  await kim.until(says("numbers not compared"));
  await kim.click(presses("same"));
  await kim.until(says("numbers compared"));
  done("a key that has changed is said, and nothing goes before it is accepted");

  const eve = await browser.page(1280, 720);
  await joins(eve, "mia");
  await opens(eve, "person:kim");
  await eve.until(says("◇ not encrypted"));
  await eve.click(presses("encrypt"));
  await eve.until(says("◆ encrypted"));
  await lea.goto("about:blank");
  await kim.until(`document.getElementById("log").innerText.split("lea left").length === 3`);
  await eve.click("#text");
  await eve.types("/nick lea");
  await kim.until(shows("mia has taken the name lea, whose key is another"));
  await kim.until(says("⚠ lea's key has changed"));
  assert.ok(await kim.value("document.getElementById('menu-unread').hidden"), "the alarm is read");
  await kim.click("#text");
  await holds(kim, "hush: for the first lea", "key has changed");
  await kim.resize(390, 720);
  await kim.shot(join(folder, "secret-renamed-390.png"));
  await clicksTwice(kim, presses("accept"));
  assert.ok(await kim.value(says("numbers not compared")), "the second click confirms nothing");
  await kim.resize(1280, 720);
  await kim.click("#text");
  await kim.types("hush: for this one");
  await eve.until(shows("hush: for this one"));
  await kim.click(presses("stop"));
  await eve.until(shows("kim's page no longer encrypts"));
  await kim.types("openly again");
  await eve.until(shows("came without encryption"));
  assert.match(await signs(eve), /◇ not encrypted$/);
  done("whoever takes a name does not take its key");

  await sleep(1_000);
  assert.ok(frames.some((frame) => frame.includes("said openly")) && frames.some((frame) => frame.includes("1.text.")));
  const kept = readdirSync(disk).map((name) => readFileSync(join(disk, name), "latin1"));
  for (const text of [...frames, log(), ...kept]) assert.ok(!/hush|tea is green|held/.test(text), `in the clear: ${text.slice(0, 200)}`);
  assert.ok(kept.length >= 2);
  done(`${frames.length} messages, the log and the database hold nothing of what was said`);
  server.kill("SIGKILL");
  for (const page of [kim, lea, eve]) await browser.ask("Target.closeTarget", { targetId: page.targetId });
  return [kim, lea, eve];
}
