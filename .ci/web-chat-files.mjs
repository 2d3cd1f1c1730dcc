// Files from page to page, to a terminal and back at 10 % loss, past the loss of the server in the middle.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const quoted = JSON.stringify;
const place = (key) => `.place[data-key=${quoted(key)}]`;
const shows = (words) => `document.getElementById("log").innerText.includes(${quoted(words)})`;

/** `shared` are the helpers of the script that this is a part of. */
export async function sendFiles(browser, { testbed, serve, listener, folder, ends, ended, done }) {
  const { server: first, addresses } = await serve({ web: "127.0.0.1:0", "json-lines": "127.0.0.1:0", admin: "127.0.0.1:0" });
  let server = first;
  const disk = mkdtempSync(join(tmpdir(), "web-chat-files-"));
  const [own, downloads, taken] = ["own", "downloads", "taken"].map((name) => join(disk, name));
  for (const made of [own, downloads]) mkdirSync(made);
  const contents = {};
  for (const [name, size] of [["photo one.png", 200_000], ["empty.txt", 0], ["<img src=x onerror=alert(1)>.html", 9_000], ["large.bin", 800_000], ["back.bin", 120_000], ["room.bin", 300_000]]) {
    contents[name] = randomBytes(size);
    writeFileSync(join(own, name), contents[name]);
  }
  await browser.ask("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });

  const pages = {};
  for (const [name, width] of [["kim", 1280], ["lea", 390]]) {
    const page = (pages[name] = await browser.page(width, 700));
    await page.goto(`http://${addresses.web}/`);
    await page.types(name);
    await page.until("!document.getElementById('chat').hidden");
  }
  const { kim, lea } = pages;
  const terminal = spawn(testbed, ["chat", "tom", "--address", addresses["json-lines"], "--files", taken, "--reconnects", "9"]);
  ends.push(() => terminal.kill("SIGKILL"));
  const tom = listener(terminal.stdout);
  await kim.until(`document.querySelector(${quoted(place("person:tom"))}) !== null`);

  const offers = async (page, ...names) => {
    await page.ask("DOM.enable");
    const { root } = await page.ask("DOM.getDocument");
    const { nodeId } = await page.ask("DOM.querySelector", { nodeId: root.nodeId, selector: "#file" });
    await page.ask("DOM.setFileInputFiles", { nodeId, files: names.map((name) => join(own, name)) });
  };
  const opens = async (page, key) => {
    if (await page.value("getComputedStyle(document.getElementById('menu')).display !== 'none'")) {
      await page.value("document.getElementById('menu').click()");
      await sleep(300);
    }
    await page.value(`document.querySelector(${quoted(place(key))}).click()`);
  };
  const keeps = async (page, name, kept = name) => {
    await page.until(`[...document.querySelectorAll("#log a[download]")].some((link) => link.download === ${quoted(kept)})`, 60);
    await page.value(`[...document.querySelectorAll("#log a[download]")].find((link) => link.download === ${quoted(kept)}).click()`);
    const saved = join(downloads, kept);
    for (let n = 0; n < 200 && !existsSync(saved); n += 1) await sleep(50);
    await sleep(100);
    assert.ok(readFileSync(saved).equals(contents[name]), `${name} is what it was`);
  };
  const accepts = async (page, n = 1) => {
    await page.until(`document.querySelectorAll("[data-presses=accept]").length >= ${n}`);
    for (let left = n; left > 0; left -= 1) {
      await page.click("[data-presses=accept]");
      await page.until(`document.querySelectorAll("[data-presses=accept]").length < ${left}`);
    }
  };

  /** Times that texts from kim to lea take, in milliseconds. */
  const texts = async (words) => {
    const waits = [];
    for (let n = 0; n < 5; n += 1) {
      const since = Date.now();
      await kim.types(`${words} ${n}`);
      await lea.until(`[...document.querySelectorAll(".entry .text")].some(({ textContent }) => textContent === ${quoted(`${words} ${n}`)})`);
      waits.push(Date.now() - since);
    }
    return waits.join(", ");
  };
  await offers(kim, "photo one.png");
  await kim.until("document.getElementById('status').textContent.includes('person or a room')");
  await opens(kim, "person:lea");
  await offers(kim, "photo one.png", "empty.txt", "<img src=x onerror=alert(1)>.html");
  await lea.until(`document.querySelector('${place("person:kim")} .badge')?.textContent === "3"`);
  await opens(lea, "person:kim");
  await accepts(lea, 3);
  await kim.until("document.querySelector('progress')?.value > 20000");
  for (const page of [kim, lea]) {
    const width = page === kim ? 1280 : 390;
    assert.ok((await page.value("document.documentElement.scrollWidth")) <= width, `nothing is wider than ${width}`);
    await page.shot(join(folder, `files-${width}.png`));
  }
  await kim.ask("Input.insertText", { text: "a hint" });
  await lea.until("document.getElementById('writing').textContent === 'kim is writing…'");
  await kim.types("");
  await lea.until("document.getElementById('writing').textContent === ''");
  const busy = await texts("between the parts");
  await keeps(lea, "photo one.png");
  await keeps(lea, "empty.txt");
  await keeps(lea, "<img src=x onerror=alert(1)>.html", "_img src=x onerror=alert(1)_.html");
  assert.equal(await lea.value("document.querySelectorAll('#log img').length"), 0);
  await kim.until(shows("lea has it"));
  const quiet = await texts("behind the files");
  await lea.shot(join(folder, "files-390-done.png"));
  done(`files from page to page; texts between their parts took ${busy} ms, and ${quiet} ms behind them`);

  await opens(lea, "person:tom");
  terminal.stdin.write(`/send ${join(own, "back.bin")} lea\n`);
  await accepts(lea);
  await keeps(lea, "back.bin");
  await tom.until("lea has back.bin, checksum right");
  done("a file from a terminal to a page");

  await opens(kim, "person:tom");
  await offers(kim, "large.bin");
  await tom.until("kim offers you large.bin");
  terminal.stdin.write("/accept\n");
  await kim.until("document.querySelector('progress')?.value > 100000", 60);
  const gone = ended(server);
  server.kill("SIGKILL");
  await gone;
  await kim.until("document.getElementById('status').classList.contains('broken')");
  ({ server } = await serve(addresses));
  await tom.until("large.bin goes on at ", 60);
  await tom.until("large.bin from kim is here", 120);
  await kim.until(shows("tom has it"));
  assert.ok(readFileSync(join(taken, "large.bin")).equals(contents["large.bin"]), "it is what it was");
  await kim.shot(join(folder, "files-1280-done.png"));
  done(`a file from a page to a terminal, past the end of the server: ${/[\d.]+ kB\/s/.exec(tom.text.split("is here").at(-1))}`);

  // The same to a room, which goes with its server: it goes on with each member. A private text waits for who is not back.
  await kim.types("/create pit");
  await kim.until("document.getElementById('title').textContent === '#pit'");
  await opens(lea, "all:");
  await lea.types("/join pit");
  await lea.until("document.getElementById('title').textContent === '#pit'");
  terminal.stdin.write("/join pit\n");
  await tom.until("you are in #pit", 15);
  await offers(kim, "room.bin");
  await tom.until("kim offers you room.bin in #pit", 30);
  terminal.stdin.write("/accept\n");
  await accepts(lea);
  await lea.until("[...document.querySelectorAll('progress')].at(-1)?.value > 50000", 60);
  const again = ended(server);
  server.kill("SIGKILL");
  await again;
  await kim.until("document.getElementById('status').classList.contains('broken')");
  await opens(kim, "person:tom");
  await kim.types("said while nobody is there");
  await sleep(2_500);
  ({ server } = await serve(addresses));
  await tom.until("room.bin from kim is here", 120);
  await keeps(lea, "room.bin");
  assert.ok(readFileSync(join(taken, "room.bin")).equals(contents["room.bin"]), "it is what it was");
  await tom.until("said while nobody is there", 40);
  assert.equal(tom.text.split("said while nobody is there").length, 2, "once");
  await kim.until("!document.querySelector('.unsent')");
  terminal.stdin.end();
  done("a file to a room, past the end of the server and the room; and a private text that waited");
  server.kill("SIGKILL");
  for (const page of [kim, lea]) await browser.ask("Target.closeTarget", { targetId: page.targetId });
  return [kim, lea];
}
