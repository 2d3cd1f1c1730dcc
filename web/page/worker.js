// The engine in a worker: lists of requests come in, answers go out one by one, the last with what belongs to all. A
// trial that breaks a rule of the engine ends the instance, and the next request begins with a new one.

const MOST_DECISIONS = 200; // more are not read
const EVENTS = ["onAck", "onLoss", "onTimeout"];

let module, engine;
let own; // the controller that was written on the page: its three functions
let senders, decisions, refusal;
let asked; // number of what is being answered
let calls; // of the page's own controller

// A sign of life while the page's own controller is asked: without one it is taken for a loop without end.
function live(isGuarded) {
  self.postMessage({ id: asked, isGuarded });
}

function ask(request) {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  const at = engine.reserve(bytes.length);
  new Uint8Array(engine.memory.buffer, at, bytes.length).set(bytes);
  const length = engine.answer();
  return new TextDecoder().decode(new Uint8Array(engine.memory.buffer, engine.reply(), length));
}

function compile(text) {
  const names = EVENTS.map((name) => `${name}: typeof ${name} === "function" ? ${name} : undefined`);
  return new Function(`"use strict"; ${text}\nreturn { ${names.join(", ")} };`)();
}

// The window after an event. What is no window is refused: the window stays, and the page says so.
function decide(event, sender, now, cwnd, mss, bytes, flight, srtt, minRtt) {
  if (!senders.has(sender)) senders.set(sender, { number: senders.size });
  const state = senders.get(sender);
  const known = (seconds) => (seconds < 0 ? undefined : seconds);
  Object.assign(state, { now, cwnd, mss, bytes, flight, srtt: known(srtt), minRtt: known(minRtt) });
  const name = EVENTS[event];
  let after = cwnd;
  if (calls++ % 64 === 0) live(true);
  try {
    own?.[name]?.(state);
    after = state.cwnd;
    if (typeof after !== "number" || !Number.isFinite(after) || after < 0) throw new Error(`the window would be ${after}`);
  } catch (error) {
    refusal ??= `${name} at ${now.toFixed(3)} s: ${error.message}; the window stays at ${cwnd} bytes`;
    after = cwnd;
  }
  note(state.number, name, now, cwnd, Math.max(mss, after));
  return after;
}

// Acknowledgments in a row make one line.
function note(sender, name, now, before, after) {
  const last = decisions.findLast?.((line) => line.sender === sender);
  if (name === "onAck" && last?.name === name) {
    Object.assign(last, { to: now, after, count: last.count + 1 });
  } else if (decisions.length < MOST_DECISIONS) {
    decisions.push({ sender, name, from: now, to: now, before, after, count: 1 });
  }
}

self.onmessage = async ({ data }) => {
  if (data.module) {
    module = data.module;
    return;
  }
  const started = performance.now();
  let answer;
  try {
    [senders, decisions, refusal] = [data.keep && senders ? senders : new Map(), [], undefined];
    [asked, calls] = [data.id, 0];
    if (data.own) live(true);
    try {
      own = data.own ? compile(data.own) : undefined;
    } catch (error) {
      [own, refusal] = [undefined, error.message];
    }
    if (data.own) live(false);
    engine ??= (await WebAssembly.instantiate(module, { page: { decide } })).exports;
    for (const request of data.requests) {
      if (answer) self.postMessage({ id: data.id, answer });
      answer = undefined;
      answer = ask(request);
      if (answer.startsWith('{"problems"') || answer.startsWith('{"failure"')) break;
    }
  } catch (error) {
    engine = undefined;
    answer = JSON.stringify({ failure: `the engine stopped: ${error.message}` });
  }
  self.postMessage({ id: data.id, answer, decisions, refusal, took: performance.now() - started });
};
