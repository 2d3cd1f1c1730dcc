// The connection to the server: it survives the loss of its socket. Both sides count the messages that they
// have heard, and each sends again what the other has not; so nothing is lost and nothing comes twice.

const NEW = "chat.testbed";
const RETURN = "return.testbed";

// Messages and milliseconds after which the server learns what has come.
const SEEN_AFTER = 32;
const SEEN_WITHIN = 500;
// The same for parts of files, which the server keeps until then.
const PARTS_SEEN_AFTER = 4;
// Silence after which the page asks for a sign of life, sooner if an answer is due, and after which it gives the
// socket up.
const SILENT = 15_000;
const OWED = 4_000;
const DEAD = 10_000;
// Pauses between attempts.
const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 8_000;

export class Connection {
  /**
   * `onEvent(event)` hears each message; `onState(state, detail)` hears "open", "returned" (nothing was
   * missed), "renewed" (the server knows nothing of before; `detail` is what it has not served), "broken" and
   * "trying".
   */
  constructor(address, { onEvent, onState }) {
    this.address = address;
    this.onEvent = onEvent;
    this.onState = onState;
    this.secret = drawSecret();
    this.isWanted = false;
    this.hasBeenOpen = false;
    this.pause = FIRST_PAUSE;
    this.begin();
    this.clock = setInterval(() => this.look(), 1_000);
  }

  /** Counts from the beginning. */
  begin() {
    this.seen = 0;
    this.said = 0;
    this.asked = 0;
    // Messages that the server has not served: number, message, and time of sending.
    this.unserved = [];
  }

  open() {
    this.isWanted = true;
    clearTimeout(this.retry);
    this.drop();
    const socket = new WebSocket(this.address, [NEW, RETURN, `session.${this.secret}.${this.seen}`]);
    this.socket = socket;
    this.said = this.seen;
    this.heardAt = Date.now();
    this.pingedAt = null;
    socket.onopen = () => this.opened(socket.protocol === RETURN);
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = () => this.lost(socket);
  }

  /** Ends it for good, and says so. */
  close() {
    this.isWanted = false;
    clearTimeout(this.retry);
    this.socket?.close(1000);
    this.drop();
  }

  /** Sends a message, now or when there is a connection again; returns its number. */
  send(message) {
    const sent = { number: ++this.asked, message, at: performance.now() };
    this.unserved.push(sent);
    if (this.isOpen) this.socket.send(JSON.stringify(message));
    return sent;
  }

  opened(isReturn) {
    this.pause = FIRST_PAUSE;
    if (isReturn) return; // `heard` comes first, and says what is to be sent again.
    const unserved = this.unserved;
    this.begin();
    this.isOpen = true;
    this.onState(this.hasBeenOpen ? "renewed" : "open", unserved);
    this.hasBeenOpen = true;
  }

  hear(event) {
    this.heardAt = Date.now();
    this.pingedAt = null;
    if (event.type === "heard") {
      this.unserved = this.unserved.filter(({ number }) => number > event.served);
      if (!this.isOpen) {
        this.isOpen = true;
        for (const { number, message } of this.unserved) {
          if (number > event.count) this.socket.send(JSON.stringify(message));
        }
        this.onState("returned");
      }
      return;
    }
    this.seen += 1;
    const after = event.type === "file_part" ? PARTS_SEEN_AFTER : SEEN_AFTER;
    if (this.seen - this.said >= after) this.saySeen();
    else this.saying ??= setTimeout(() => this.saySeen(), SEEN_WITHIN);
    this.onEvent(event);
  }

  saySeen() {
    clearTimeout(this.saying);
    this.saying = null;
    if (this.isOpen && this.seen > this.said) {
      this.said = this.seen;
      this.socket.send(JSON.stringify({ type: "seen", count: this.seen }));
    }
  }

  look() {
    if (!this.isOpen) return;
    const silent = Date.now() - (this.pingedAt ?? this.heardAt);
    if (this.pingedAt && silent > DEAD) {
      const socket = this.socket;
      this.drop();
      this.lost(socket, true);
    } else if (!this.pingedAt && silent > (this.unserved.length ? OWED : SILENT)) {
      this.send({ type: "ping" });
      this.pingedAt = Date.now();
    }
  }

  /** Hears no more of the present socket. */
  drop() {
    const socket = this.socket;
    this.socket = null;
    this.isOpen = false;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  lost(socket, isDropped = false) {
    if (!isDropped && socket !== this.socket) return;
    this.drop();
    if (!this.isWanted) return;
    this.onState("broken");
    const pause = this.pause * (0.75 + Math.random() / 2);
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    this.retry = setTimeout(() => {
      this.onState("trying");
      this.open();
    }, pause);
  }

  /** Tries at once, if it is waiting. */
  hurry() {
    if (this.isWanted && !this.socket) this.open();
  }
}

/** 128 bits that only this page knows. */
function drawSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
