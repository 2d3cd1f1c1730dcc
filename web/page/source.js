// Engine, worker and scenarios: from this file, if it was made by `testbed page`, or from beside it.

import { byId } from "./dom.js";

// Bytes from five characters for four of them, of `(` to `~` without `<` and `\`, and what these hold.
async function unpacked(element) {
  const text = element.textContent.trim();
  const bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (let n = at; n < at + 5; n++) {
      const code = text.charCodeAt(n);
      word = word * 85 + code - 40 - (code > 60) - (code > 92);
    }
    bytes.setUint32((at / 5) * 4, word);
  }
  const stream = new Blob([new Uint8Array(bytes.buffer, 0, Number(element.dataset.bytes))]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}

export async function load() {
  const engine = byId("engine");
  if (engine) {
    engine.compiled = unpacked(engine).then((bytes) => WebAssembly.compile(bytes));
    const worker = new Blob([byId("worker").textContent], { type: "text/javascript" });
    return {
      ...JSON.parse(new TextDecoder().decode(await unpacked(byId("shipped")))),
      workerUrl: URL.createObjectURL(worker),
      module: engine.compiled,
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
