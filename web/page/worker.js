// The engine in a worker: lists of requests come in, lists of answers go out. A trial that breaks a rule of the
// engine ends the instance, and the next request begins with a new one.

let module, engine;

function ask(request) {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  const at = engine.reserve(bytes.length);
  new Uint8Array(engine.memory.buffer, at, bytes.length).set(bytes);
  const length = engine.answer();
  return new TextDecoder().decode(new Uint8Array(engine.memory.buffer, engine.reply(), length));
}

self.onmessage = async ({ data }) => {
  if (data.module) {
    module = data.module;
    return;
  }
  const started = performance.now();
  const answers = [];
  try {
    engine ??= (await WebAssembly.instantiate(module, {})).exports;
    for (const request of data.requests) {
      const answer = ask(request);
      answers.push(answer);
      if (answer.startsWith('{"problems"') || answer.startsWith('{"failure"')) break;
    }
  } catch (error) {
    engine = undefined;
    answers.push(JSON.stringify({ failure: `the engine stopped: ${error.message}`, broken: true }));
  }
  self.postMessage({ id: data.id, answers, took: performance.now() - started });
};
