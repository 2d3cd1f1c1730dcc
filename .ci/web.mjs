// Checks of the page and its engine: node .ci/web.mjs TESTBED [CHROMIUM]; with `--pictures FOLDER` behind these it only
// takes the pictures of the documentation.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";
import { drive, opens, pictures } from "./page.mjs";

const [testbed, chromium, option, folder] = process.argv.slice(2);
const TRIALS = "trials=1"; // every cell once; more would show the same of other seeds
const work = mkdtempSync(join(tmpdir(), "testbed-web-"));
const failures = [];

function check(holds, words) {
  console.log(`${holds ? "ok" : "FAILED"}: ${words}`);
  if (!holds) failures.push(words);
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

// One hash over all tables: path and hash of each, in the order of paths.
const together = (files) => sha256(files.sort().map(([path, hash]) => `${hash}  ${path}\n`).join(""));

function under(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? under(path) : [path];
  });
}

// The tables that a run wrote. Wall time, the last column of trials.csv, is no figure of the network's.
function native(folder) {
  const kept = under(folder).filter((path) => /\.(csv|hlog|hgrm)$/.test(path) && !/journal\.csv$/.test(path));
  return kept.map((path) => {
    const name = relative(folder, path);
    const bytes = readFileSync(path);
    return [name, sha256(name === "trials.csv" ? bytes.toString().replace(/,[^,\n]*$/gm, (last) => (last === ",wall_s" ? last : ",")) : bytes)];
  });
}

function scenarios() {
  const folders = ["scenarios", "scenarios/labs"].filter(existsSync);
  return folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(".toml")).map((name) => join(folder, name))).sort();
}

// Traces and tables beside a scenario.
function filesOf(file, text) {
  const names = [...text.matchAll(/"((?:\.\.\/)?traces\/[^"]+)"/g)].map((found) => found[1]);
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dirname(file), name), "utf8")]));
}

// Runs in node and in a page alike: it knows nothing of what is around it.
async function tables(module, request) {
  const engine = (await WebAssembly.instantiate(module, { page: { decide: () => NaN } })).exports;
  const ask = (what) => {
    const bytes = new TextEncoder().encode(JSON.stringify(what));
    const at = engine.reserve(bytes.length); // which may move the memory
    new Uint8Array(engine.memory.buffer, at, bytes.length).set(bytes);
    const length = engine.answer();
    return JSON.parse(new TextDecoder().decode(new Uint8Array(engine.memory.buffer, engine.reply(), length)));
  };
  const form = ask({ do: "open", ...request });
  if (form.problems) throw new Error(JSON.stringify(form.problems));
  for (let n = 0; n < form.cells * form.trials; n++) {
    const { failure } = ask({ do: "trial", cell: Math.floor(n / form.trials), trial: n % form.trials });
    if (failure) throw new Error(failure);
  }
  return ask({ do: "hashes" });
}

async function equality(page) {
  const module = await WebAssembly.compile(readFileSync("web/testbed.wasm"));
  if (page) {
    await page.goto(pathToFileURL(join(work, "lab.html")).href);
    await page.until("document.body.dataset.drawn >= 1");
    await page.value(`globalThis.tables = ${tables}; 0`);
  }
  console.log(`| scenario (${TRIALS}) | files | native | node | Chromium |\n| --- | --- | --- | --- | --- |`);
  for (const file of scenarios()) {
    const out = join(work, file.replaceAll("/", "-"));
    try {
      execFileSync(testbed, ["run", file, "--out", out, "--set", TRIALS, "--quiet"], { stdio: "ignore" });
    } catch (error) {
      if (error.status !== 99) throw error; // of one trial, a claim may not hold
    }
    const own = native(out);
    const text = readFileSync(file, "utf8");
    const request = { file, text, sets: [TRIALS], files: filesOf(file, text) };
    const inNode = await tables(module, request);
    const inPage = page && await page.value(`document.getElementById("engine").compiled.then((module) => tables(module, ${JSON.stringify(request)}))`);
    const [a, b, c] = [own, inNode, inPage || inNode].map(together);
    console.log(`| ${file} | ${own.length} | ${a.slice(0, 12)} | ${b.slice(0, 12)} | ${page ? c.slice(0, 12) : "skipped"} |`);
    if (a !== b || a !== c) {
      failures.push(`${file} has other tables here and there`);
      const theirs = new Map(inNode);
      for (const [name, hash] of own) if (theirs.get(name) !== hash) console.log(`  differs: ${name}`);
      for (const [name] of inNode) if (!own.some(([other]) => other === name)) console.log(`  only in the engine: ${name}`);
    }
    rmSync(out, { recursive: true, force: true });
  }
}

// Each shipped scenario as a page of its own.
async function everyPage(page) {
  for (const file of scenarios()) {
    const path = join(work, "page.html");
    writeFileSync(path, execFileSync(testbed, ["page", file], { maxBuffer: 1e8 }));
    const kinds = await opens(page, path, file, check);
    if (file.endsWith("fetch-time.toml")) check(kinds === 2, "a lab with probes and requests has a histogram of each");
  }
}

const browser = chromium ? new Browser(chromium) : undefined;
try {
  const size = statSync("web/testbed.wasm").size;
  writeFileSync(join(work, "lab.html"), execFileSync(testbed, ["page", "scenarios/fairness.toml", "--set", "duration=60s"], { maxBuffer: 1e8 }));
  writeFileSync(join(work, "chat.html"), execFileSync(testbed, ["page", "scenarios/bufferbloat.toml"], { maxBuffer: 1e8 }));
  writeFileSync(join(work, "three.html"), execFileSync(testbed, ["page"], { maxBuffer: 1e8 }));
  const bytes = statSync(join(work, "lab.html")).size;
  check(bytes <= 1_500_000, `one file of ${bytes} bytes; the engine has ${size}`);
  if (option === "--pictures") await pictures(browser, work, folder);
  else {
    if (browser) {
      await drive(browser, work, check);
      await everyPage(await browser.page(1200, 800));
    }
    await equality(browser && (await browser.page(1200, 800)));
  }
  if (browser) {
    const others = browser.requests.filter((address) => !/^(file|blob|data|about):/.test(address));
    check(others.length === 0, `no request to anywhere ${others.join(" ")}`);
    check(browser.complaints.length === 0, `no complaint on the console ${browser.complaints.join("; ")}`);
  }
} finally {
  await browser?.close();
  rmSync(work, { recursive: true, force: true });
}
console.log(failures.length === 0 ? "the page is sound" : `${failures.length} failed:\n${failures.join("\n")}`);
process.exitCode = failures.length === 0 ? 0 : 1;
