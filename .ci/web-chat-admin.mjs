// The administrator's page, driven as an administrator would.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const quoted = JSON.stringify;

/** An administrator's page: a wrong token, what it shows, and each of its deeds. */
export async function administers(browser, { serve, listener, folder, ends, ended, done }) {
  const places = { web: "127.0.0.1:0", "json-lines": "127.0.0.1:0", admin: "127.0.0.1:0" };
  const token = "tea & biscuits";
  const { server, addresses } = await serve(places, ["--admin-token", token, "--log", "info"]);
  const gone = ended(server);
  const speaker = net.connect(Number(addresses["json-lines"].split(":")[1]), "127.0.0.1");
  ends.push(() => speaker.destroy());
  speaker.on("error", () => {});
  const heard = listener(speaker);
  const says = (words) => speaker.write(`${quoted(words)}\n`);
  says({ type: "join", username: "<b>kim</b>" });
  await heard.until("Welcome");
  says({ type: "create_room", room: "den" });

  const desk = await browser.page(1280, 900);
  await desk.goto(`http://${addresses.web}/admin`);
  await desk.types("biscuits");
  await desk.until("document.getElementById('refusal').textContent.includes('token')");
  await desk.types(token);
  const cells = (table) => `[...document.querySelectorAll('#${table} td')].map((cell) => cell.textContent)`;
  await desk.until(`${cells("clients")}.includes('<b>kim</b>') && ${cells("rooms")}.includes('den')`);
  await desk.until("document.getElementById('log').textContent.includes('kim')");
  assert.equal(await desk.value("location.href.includes('tea') || location.href.includes('biscuits')"), false);
  await desk.click("#words");
  await desk.types("tea is ready <b>now</b>");
  await heard.until("[ADMIN] tea is ready <b>now</b>");
  await desk.click("#presets button:nth-of-type(3)");
  await desk.until("document.querySelector('input[name=loss]').value === '0.1%'");
  await desk.click("input[name=loss]");
  await desk.value("document.querySelector('input[name=loss]').select()");
  await desk.types("110%");
  await desk.until("document.getElementById('answer').classList.contains('refused')");
  await desk.value("document.querySelector('input[name=loss]').select()");
  await desk.types("3%");
  await desk.until("document.getElementById('conditions').textContent.includes('3%')");
  // For one person, and limits.
  const chooses = (value) => desk.value(`(() => { const whose = document.getElementById("whose"); whose.value = ${JSON.stringify(value)};
    whose.dispatchEvent(new Event("change")); })()`);
  await chooses("<b>kim</b>");
  // Only what is written for a person changes there.
  await desk.until("document.querySelector('input[name=rate]').value === ''");
  await desk.value("document.querySelector('input[name=delay]').value = '150ms'");
  await desk.click("#options button");
  await desk.until("document.getElementById('answer').textContent.startsWith('the network of <b>kim</b> is now')");
  await desk.until(`${cells("clients")}.some((cell) => cell.includes('150ms delay'))`);
  await chooses("");
  await desk.until("document.querySelector('input[name=rate]').value === '20mbit'");
  await desk.value("document.querySelector('input[name=max_message]').value = '10B'");
  await desk.click("#limits button");
  await desk.until(`fetch("/api/limits").then((reply) => reply.json()).then(({ max_message }) => max_message === "10B")`);
  says({ type: "chat", message: "longer than ten bytes" });
  await heard.until("Message too long");
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    await desk.resize(width, 900);
    await desk.scheme(scheme);
    await sleep(200);
    assert.ok((await desk.value("document.documentElement.scrollWidth")) <= width, `nothing is wider than ${width}`);
    await desk.value("scrollTo(0, 0)");
    await desk.shot(join(folder, `admin-${width}-${scheme}.png`), true);
  }
  await desk.value("document.querySelector('input[name=max_rooms]').value = 'many'");
  await desk.click("#limits button");
  await desk.until("document.getElementById('answer').textContent.startsWith('`max_rooms` is a whole number')");
  await desk.value("(() => { const field = document.querySelector('input[name=max_rooms]'); field.value = field.dataset.shown; })()");
  assert.equal(await desk.value("document.getElementById('words').value"), "");
  await desk.resize(1280, 900);
  await desk.scheme("light");
  const figures = async (accept) => {
    const reply = await fetch(`http://${addresses.web}/metrics`, { headers: { accept, authorization: `Bearer ${token}` } });
    assert.equal(reply.status, 200);
    return [reply.headers.get("content-type"), await reply.text()];
  };
  const [, text] = await figures("text/plain");
  const promtool = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  if (promtool.error) console.log("skipped: promtool is not installed (Debian's prometheus has it)");
  else assert.equal(promtool.status, 0, promtool.stdout + promtool.stderr);
  const [kind, open] = await figures("application/openmetrics-text; version=1.0.0");
  assert.ok(kind.startsWith("application/openmetrics-text") && open.endsWith("# EOF\n"), kind);
  await desk.click("#rooms button");
  await desk.until(`!${cells("rooms")}.includes('den')`);
  await desk.click("#clients button");
  await desk.until(`!${cells("clients")}.includes('<b>kim</b>')`);
  await desk.value("void (globalThis.confirm = () => true)");
  await desk.click("#shutdown");
  await gone;
  done("an administrator looks, speaks, changes the network, closes, kicks and ends");
  return desk;
}
