// Three people in three programs at 10 % loss: the page, `testbed chat` on a pipe, a client of program 4.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Browser } from "./browser.mjs";
import { administers } from "./web-chat-admin.mjs";
import { sendFiles } from "./web-chat-files.mjs";
import { keepSecrets } from "./web-chat-secret.mjs";

const [testbed, chromium, folder = mkdtempSync(join(tmpdir(), "web-chat-shots-"))] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const started = Date.now();
const done = (words) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${words}`);
const ends = [];

/** A server; its addresses by dialect. */
async function serve(places, more = []) {
  const listeners = Object.entries(places).filter(([name]) => name !== "admin").flatMap(([name, place]) =>
    name === "web" ? ["--web", place] : ["--dialect", `${name}=${place}`]);
  const network = ["--loss", "10%", "--delay", "20ms"];
  const options = ["web", ...listeners, "--admin", "127.0.0.1:0", ...(more.includes("--log") ? [] : ["--log", "error"]), ...network, ...more];
  const server = spawn(testbed, options, { stdio: ["ignore", "ignore", "pipe"] });
  const addresses = {};
  let text = "";
  await new Promise((resolve, reject) => {
    server.once("exit", () => reject(new Error(`the server has ended: ${text}`)));
    server.stderr.on("data", (data) => {
      text += data;
      for (const [, name, place] of text.matchAll(/^(\S+)\s+(?:http:\/\/)?(127\.0\.0\.1:\d+)$/gm)) addresses[name] = place;
      if (addresses.admin) resolve();
    });
  });
  ends.push(() => server.kill("SIGKILL"));
  return { server, addresses, log: () => text };
}

const ended = (child) => new Promise((resolve) => child.once("exit", resolve));

/** Text that comes from a stream. */
function listener(stream) {
  const heard = { text: "" };
  stream.setEncoding("utf8");
  stream.on("data", (data) => (heard.text += data));
  heard.until = async (words, seconds = 15) => {
    for (const end = Date.now() + seconds * 1_000; Date.now() < end; await sleep(30)) {
      if (heard.text.includes(words)) return;
    }
    throw new Error(`${JSON.stringify(words)} never came; there is ${JSON.stringify(heard.text)}`);
  };
  return heard;
}

/** Between the page and its server: it can lose every connection, and take no more for a while. */
function relay(address) {
  const [host, port] = address.split(":");
  const pairs = new Set();
  const relay = net.createServer((near) => {
    const far = net.connect(Number(port), host);
    const pair = [near, far];
    pairs.add(pair);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.setNoDelay(true);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => (pairs.delete(pair), other.destroy()));
    }
  });
  relay.cut = () => pairs.forEach((pair) => pair.forEach((socket) => socket.resetAndDestroy()));
  // Half open: neither side hears of the end.
  relay.stall = () => pairs.forEach(([near, far]) => (near.unpipe(far), far.unpipe(near)));
  ends.push(() => (relay.cut(), relay.close()));
  const listens = (at) => new Promise((resolve) => relay.listen(at, "127.0.0.1", () => resolve(relay.address().port)));
  return { relay, listens, stops: () => new Promise((resolve) => (relay.close(resolve), relay.cut())) };
}

const count = (text, words) => text.split(words).length - 1;
const quoted = JSON.stringify;
const shows = (words) => `document.getElementById("log").innerText.includes(${quoted(words)})`;
const place = (key) => `.place[data-key=${quoted(key)}]`;
const times = async (page, words) => count(await page.value("document.getElementById('log').innerText"), words);

async function run() {
  const any = { web: "127.0.0.1:0", slash: "127.0.0.1:0", pipe: "127.0.0.1:0", "json-lines": "127.0.0.1:0" };
  let { server, addresses } = await serve(any);
  const between = relay(addresses.web);
  const door = await between.listens(0);
  const browser = new Browser(chromium);
  ends.push(() => browser.process.kill("SIGKILL"));
  const page = await browser.page(1280, 800);
  await page.goto(`http://127.0.0.1:${door}/`);

  // Join.
  await page.types("a b|c");
  await page.until("document.getElementById('refusal').textContent.startsWith('Invalid username')");
  await page.value("document.getElementById('name').value = ''");
  await page.types("kim");
  await page.until("!document.getElementById('chat').hidden");
  const terminal = spawn(testbed, ["chat", "bob", "--dialect", "slash", "--address", addresses.slash]);
  ends.push(() => terminal.kill("SIGKILL"));
  const bob = listener(terminal.stdout);
  const window = net.connect(Number(addresses.pipe.split(":")[1]), "127.0.0.1");
  ends.push(() => window.destroy());
  const ann = listener(window);
  window.write("ann");
  await ann.until("USERS|");
  await page.until(shows("bob came in"));
  await page.until(shows("ann came in"));
  done("three people are in");

  // Talk and whisper.
  await page.types("Hello everyone! See https://example.org/a_(b), and `code`.");
  await bob.until("Hello everyone!");
  await ann.until("MSG|kim|Hello everyone");
  assert.equal(await page.value("document.querySelector('.entry a').href"), "https://example.org/a_(b)");
  assert.equal(await page.value("document.querySelector('.entry code').textContent"), "code");
  terminal.stdin.write("Hello from a terminal\n");
  await page.until(shows("Hello from a terminal"));
  window.write("kim|psst");
  await page.until(`document.querySelector('${place("person:ann")} .badge')?.textContent === "1"`);
  assert.equal(await page.value("document.title"), "(1) testbed chat");
  assert.equal(await page.value(shows("psst")), false, "a whisper is not shown to everyone");
  await page.click(place("person:ann"));
  await page.until(shows("psst"));
  await page.types("back to you");
  await ann.until("MSG|kim|back to you");
  assert.equal(await page.value(`document.querySelector('${place("person:ann")} .badge')`), null);
  done("they talk and whisper");

  // Script in a text is a text.
  const script = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>";
  await sleep(50);
  window.write(`kim|${script}`);
  await page.until(shows("<img src=x"));
  assert.equal(await page.value("document.querySelectorAll('#log img, #log script').length"), 0);
  assert.notEqual(await page.value("document.title"), "owned");
  await assert.rejects(page.value("document.body.innerHTML = '<b>no</b>'"), /TrustedHTML/);
  page.faults.length = 0;
  done("script is text");

  // Rooms, commands, names.
  await page.value("document.getElementById('room-name').focus()");
  await page.types("den");
  await page.until("document.getElementById('title').textContent === '#den'");
  terminal.stdin.write("/join den\n/room den quiet here\n");
  await page.until(shows("quiet here"));
  await page.types("as in every den");
  await bob.until("as in every den");
  assert.equal(count(ann.text, "every den"), 0);
  await page.types("/whisper nobody hi");
  await page.until(shows("User 'nobody' not found"));
  await page.types("/foo");
  await page.until(shows("Unknown command"));
  await page.types("/list");
  await page.until(shows("Here are: kim, "));
  terminal.stdin.write("/nick rob\n");
  await page.until(`document.querySelector('${place("person:rob")}') !== null`);
  await page.key("ArrowUp", 1);
  await page.until("document.getElementById('title').textContent === 'Everyone'");
  await page.until(shows("bob is now rob"));
  done("rooms, commands and names change");

  // The network beside it: what it is and does, and another one.
  await page.click("#network-open");
  await page.until("document.getElementById('conditions').textContent.startsWith('10% loss, 20ms delay each way')");
  await page.until("/^[\\d.]+ ms$/.test(document.getElementById('chart-rtt').getAttribute('aria-label').split(': ')[1] ?? '')");
  await page.click("#presets button:nth-child(5)");
  await page.until("document.getElementById('conditions').textContent.includes('280ms delay')");
  await page.types("hello from far away");
  await bob.until("hello from far away");
  await page.click("#times");
  await page.until("/back after ([5-9]\\d\\d|\\d{4,}) ms/.test(document.getElementById('log').innerText)");
  terminal.stdin.write("a second away, there and back\n");
  await page.until(shows("a second away"));
  await sleep(4_000);
  await page.resize(1280, 600);
  await page.shot(join(folder, "web-chat-1280.png"));
  await page.resize(1280, 800);
  // Frozen, the charts stand still; then they go on.
  const chart = "document.getElementById('chart-rtt').toDataURL()";
  await page.click("#freeze");
  await sleep(1_000);
  const frozen = await page.value(chart);
  await sleep(1_500);
  assert.equal(await page.value(chart), frozen, "a frozen chart stands still");
  await page.click("#freeze");
  await page.until(`${chart} !== ${quoted(frozen)}`);
  await page.value(`(() => { const slider = document.getElementById("sliders").elements.loss; slider.value = 50;
    slider.dispatchEvent(new Event("change", { bubbles: true })); })()`);
  await page.until("document.getElementById('conditions').textContent.startsWith('10% loss, 280ms')");
  // A slider changes what it names: the train keeps its bursts, and its schedule.
  const turns = (name, value) => page.value(`(() => { const input = document.getElementById("sliders").elements[${quoted(name)}];
    input.value = ${quoted(value)}; for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true })); })()`);
  await page.click("#presets button:nth-child(4)");
  await page.until("document.getElementById('conditions').textContent.includes('3 changes every 60s')");
  await turns("rate", 50);
  await page.until("/^gilbert-elliott.*90ms delay with 40ms.*10mbit.*3 changes every 60s/.test(document.getElementById('conditions').textContent)");
  await turns("congestion", "bbr");
  await page.until("/^gilbert-elliott.*10mbit.*TCP with bbr$/.test(document.getElementById('conditions').textContent)");
  await page.shot(join(folder, "network-train-1280.png"));
  await page.click("#reset");
  await page.until("document.getElementById('conditions').textContent.startsWith('10% loss, 20ms delay each way')");
  // The same for this person alone.
  const chooses = (value) => page.value(`(() => { const whose = document.getElementById("whose"); whose.value = ${quoted(value)};
    whose.dispatchEvent(new Event("change")); })()`);
  await chooses("own");
  await turns("congestion", "vegas");
  await page.until("/^For you alone: TCP with vegas. For everybody: 10% loss.*TCP with reno/.test(document.getElementById('conditions').textContent)");
  await page.types("hello with another controller");
  await bob.until("hello with another controller");
  await page.click("#presets button:nth-child(5)");
  await page.until("/^For you alone: .*280ms.* For everybody: 10% loss, 20ms/.test(document.getElementById('conditions').textContent)");
  assert.equal(await page.value("document.getElementById('sliders').elements.congestion.value"), "reno", "a preset leaves everybody's controller");
  await page.resize(1280, 900);
  await page.shot(join(folder, "network-own-1280.png"));
  await page.resize(1280, 800);
  await page.click("#reset");
  await page.until("document.getElementById('conditions').textContent.startsWith('10% loss, 20ms delay each way')");
  await chooses("all");
  await page.click("#network-open");
  await page.resize(390, 600);
  await page.scheme("dark");
  await sleep(300);
  await page.shot(join(folder, "web-chat-390.png"));
  await page.resize(1280, 800);
  await page.scheme("light");
  await page.click("#network-open");
  await page.click("#times");
  await page.click("#network-open");
  await page.click("#text");
  done("the network changes beside the conversation");

  // Loss of the connection: nobody hears of it, nothing is lost and nothing comes twice.
  for (const [round, breaks] of [["cut", between.relay.cut], ["stalled", between.relay.stall]]) {
    const slow = round === "stalled" ? 45 : 15;
    for (let n = 0; n < 5; n += 1) await page.types(`kim ${round} ${n}`);
    breaks();
    for (let n = 0; n < 3; n += 1) terminal.stdin.write(`bob ${round} ${n}\n`);
    for (let n = 5; n < 8; n += 1) await page.types(`kim ${round} ${n}`);
    await page.until(shows(`bob ${round} 2`), slow);
    await bob.until(`kim ${round} 7`, slow);
    for (let n = 0; n < 8; n += 1) {
      assert.equal(count(bob.text, `kim ${round} ${n}`), 1, `bob heard kim ${round} ${n} once`);
      assert.equal(await times(page, `kim ${round} ${n}`), 1);
    }
    for (let n = 0; n < 3; n += 1) assert.equal(await times(page, `bob ${round} ${n}`), 1);
    await page.until("document.getElementById('status').textContent.includes('nothing was lost')");
    done(`a connection is ${round}, and comes back`);
  }
  assert.equal(count(bob.text, "kim has left"), 0);

  // Loss of the server, in order and by force.
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await page.types(`before ${signal}`);
    await bob.until(`before ${signal}`);
    const gone = ended(server);
    server.kill(signal);
    await gone;
    await page.until("document.getElementById('status').classList.contains('broken')");
    await page.types(`during ${signal}`);
    ({ server } = await serve(addresses));
    await page.until(`document.getElementById('status').textContent.includes('begun anew')`, 20);
    await page.until(`!document.querySelector('.unsent')`);
    await page.types(`after ${signal}`);
    await bob.until(`after ${signal}`, 20);
    await page.until(shows(`after ${signal}`));
    for (const when of ["before", "during", "after"]) assert.equal(await times(page, `${when} ${signal}`), 1);
    done(`the server has ended by ${signal}, and is there again`);
  }
  await page.click(place("room:den"));
  await page.until(shows("The room has gone with the server"));

  // Shown, to people and to programs that read it aloud.
  await page.click(place("all:"));
  await page.types("```\nfn main() {}\n```");
  await page.types("🎉");
  await sleep(300);
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    await page.resize(width, width < 500 ? 700 : 720);
    await page.scheme(scheme);
    await sleep(200);
    assert.ok((await page.value("document.documentElement.scrollWidth")) <= width, `nothing is wider than ${width}`);
    const [below, isBelow] = await page.value(`(() => { const [log, writing] = ["log", "writing"].map((id) => document.getElementById(id));
      return [log.scrollHeight - log.scrollTop - log.clientHeight, writing.offsetTop > log.offsetTop]; })()`);
    assert.ok(below < 2 && isBelow, `the end stays in sight (${below} pixels are below), and hints are behind it`);
    await page.shot(join(folder, `chat-${width}-${scheme}.png`));
  }
  await page.click("#menu");
  await page.until("document.getElementById('menu').getAttribute('aria-expanded') === 'true'");
  await sleep(300);
  await page.shot(join(folder, "chat-390-places.png"));
  const { errors } = await page.ask("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await page.ask("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors, [], "a phone can install it");
  const { nodes } = await page.ask("Accessibility.getFullAXTree");
  const heard = nodes.filter(({ ignored }) => !ignored).map(({ role, name }) => [role?.value, name?.value ?? ""]);
  for (const role of ["log", "navigation", "main", "status", "textbox"]) {
    assert.ok(heard.some(([other]) => other === role), `there is a ${role}`);
  }
  for (const [role, name] of heard) {
    if (["button", "textbox", "link", "log", "navigation"].includes(role)) assert.ok(name, `a ${role} without a name`);
  }
  await page.key("Escape");
  await page.resize(1280, 720);
  await page.scheme("light");
  done(`screenshots and roles (${folder})`);

  // Open for long.
  const speaker = net.connect(Number(addresses["json-lines"].split(":")[1]), "127.0.0.1");
  ends.push(() => speaker.destroy());
  listener(speaker);
  speaker.write('{"type": "join", "username": "clock"}\n');
  const heaps = [];
  for (let n = 1; n <= 3_600; n += 1) {
    speaker.write(`${quoted({ type: "chat", message: `tick ${n}` })}\n`);
    if (n % 20 === 0) await sleep(100);
    if (n % 1_200 === 0) {
      await page.until(shows(`tick ${n}`), 60);
      heaps.push(await page.heap());
    }
  }
  const entries = await page.value("document.querySelectorAll('.entry').length");
  assert.ok(entries <= 500, `${entries} entries`);
  assert.ok(heaps[2] - heaps[0] < 1 << 20, `the heap grows: ${heaps}`);
  done(`3,600 messages later: ${entries} entries, heap ${heaps.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(", ")} MiB`);

  // Another tab is another person; one that is closed is gone at once.
  const tab = await browser.page(390, 700);
  await tab.goto(`http://127.0.0.1:${door}/`);
  await tab.types("kim");
  await tab.until("document.getElementById('refusal').textContent === 'Username already taken'");
  await tab.types("2");
  await tab.until("!document.getElementById('chat').hidden");
  await page.until(shows("kim2 came in"));
  await browser.ask("Target.closeTarget", { targetId: tab.targetId });
  await page.until(shows("kim2 left"), 3);
  done("a second tab comes and goes");

  const senders = await sendFiles(browser, { testbed, serve, listener, folder, ends, ended, done });
  const secretive = await keepSecrets(browser, { testbed, serve, listener, folder, ends, done });
  const desk = await administers(browser, { serve, listener, folder, ends, ended, done });
  assert.deepEqual([page, tab, desk, ...senders, ...secretive].flatMap(({ faults }) => faults), []);
  await browser.close();
}

run().then(
  () => done("all done"),
  (error) => {
    console.error(`FAILED: ${error.stack}`);
    process.exitCode = 1;
  },
).finally(() => {
  for (const end of ends.reverse()) end();
  setTimeout(() => process.exit(), 500).unref();
});
