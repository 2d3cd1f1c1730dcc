// Engine, worker and scenarios: from this file, if it was made by `testbed page`, or from beside it.

import { byId } from "./dom.js";

// Bytes from two characters for each 13 bits of them, of `!` to `}` without `<` and `\`, and what these hold.
async function unpacked(element) {
  const text = element.textContent.trim();
  const bytes = new Uint8Array(Number(element.dataset.bytes));
  const digit = (at) => {
    const code = text.charCodeAt(at);
    return code - 33 - (code > 60) - (code > 92);
  };
  let bits = 0, count = 0, place = 0;
  for (let at = 0; at < text.length; at += 2) {
    bits |= (digit(at) + 91 * digit(at + 1)) << count;
    for (count += 13; count >= 8; count -= 8, bits >>= 8) bytes[place++] = bits;
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
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
