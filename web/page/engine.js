// Engines in workers. The page hands each the compiled module, so that it is compiled once.

const PATIENCE_MS = 6000; // for a sign of life of the page's own controller, which may never end

let source; // { workerUrl, module }, both promises
let own = ""; // text of the page's own controller

export function provide(workerUrl, module) {
  source = { workerUrl, module };
}

export function setOwn(text) {
  own = text;
}

export class Engine {
  #worker;
  #waiting = new Map();
  #next = 0;

  async #start() {
    const worker = new Worker(await source.workerUrl);
    worker.onmessage = ({ data }) => {
      const waiting = this.#waiting.get(data.id) ?? {};
      clearTimeout(waiting.timer);
      if ("isGuarded" in data) {
        const words = `stopped: no decision for ${PATIENCE_MS / 1000} s; a loop without end in your controller?`;
        waiting.timer = data.isGuarded ? setTimeout(() => this.stop(words), PATIENCE_MS) : undefined;
        return;
      }
      waiting.take?.(JSON.parse(data.answer));
      if (!("took" in data)) return;
      this.#waiting.delete(data.id);
      waiting.resolve?.(data);
    };
    worker.onerror = ({ message }) => this.stop(`the engine stopped: ${message || "its worker has ended"}`);
    worker.postMessage({ module: await source.module });
    return worker;
  }

  // Requests, one after the other, until one is refused: { answers, took in ms, decisions, refusal }.
  ask(...requests) {
    return this.askFirst(() => {}, ...requests);
  }

  // The same; `first(answer)` is called with the first answer as soon as it is there.
  async askFirst(first, ...requests) {
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    const id = this.#next++;
    const answers = [];
    const take = (answer) => answers.push(answer) === 1 && first(answer);
    return new Promise((resolve) => {
      this.#waiting.set(id, { take, resolve: (data) => resolve({ ...data, answers }) });
      worker.postMessage({ id, requests, own, keep: requests[0].do === "advance" });
    });
  }

  // Ends whatever runs: it failed, with these words.
  async stop(failure = "stopped") {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const { take, resolve, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      take({ failure });
      resolve({ took: PATIENCE_MS, decisions: [] });
    }
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
