// Engine, worker and scenarios: from this file, if it was made by `testbed page`, or from beside it.

import { byId } from "./dom.js";

async function unpacked(text, format) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  return new Response(stream).arrayBuffer();
}

export async function load() {
  const own = JSON.parse(byId("shipped").textContent);
  const engine = byId("engine");
  if (engine) {
    const worker = new Blob([byId("worker").textContent], { type: "text/javascript" });
    return {
      ...own,
      workerUrl: URL.createObjectURL(worker),
      module: unpacked(engine.textContent, "deflate-raw").then((bytes) => WebAssembly.compile(bytes)),
    };
  }
  const response = await fetch("../testbed.wasm");
  const text = await (await fetch("../../scenarios/fairness.toml")).text();
  return {
    scenarios: [{ file: "fairness.toml", path: "scenarios/fairness.toml", text, files: {} }],
    version: "",
    workerUrl: "worker.js",
    module: response.arrayBuffer().then((bytes) => WebAssembly.compile(bytes)),
  };
}
