// Engines in workers. The page hands each the compiled module, so that it is compiled once.

let source; // { workerUrl, module }, both promises

export function provide(workerUrl, module) {
  source = { workerUrl, module };
}

export class Engine {
  #worker;
  #waiting = new Map();
  #next = 0;

  async #start() {
    const worker = new Worker(await source.workerUrl);
    worker.onmessage = ({ data }) => {
      const { resolve } = this.#waiting.get(data.id) ?? {};
      this.#waiting.delete(data.id);
      resolve?.({ answers: data.answers.map((text) => JSON.parse(text)), took: data.took });
    };
    worker.postMessage({ module: await source.module });
    return worker;
  }

  // Requests, one after the other, until one is refused: { answers, took in ms }.
  async ask(...requests) {
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, { resolve });
      worker.postMessage({ id, requests });
    });
  }

  // Ends whatever runs; what was asked is never answered.
  async stop() {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#waiting.clear();
    (await worker)?.terminate();
  }
}

// Calls `work` with the latest value only: what comes meanwhile waits, and newer takes its place.
export function latest(work) {
  let busy = false, waiting;
  return async function push(value) {
    if (busy) {
      waiting = { value };
      return;
    }
    busy = true;
    try {
      await work(value);
    } finally {
      busy = false;
      const next = waiting;
      waiting = undefined;
      if (next) push(next.value);
    }
  };
}
