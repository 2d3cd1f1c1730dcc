// Encryption of what two pages say to each other, by the browser's own means: ECDH on P-256, HKDF with SHA-256, AES-256-GCM.
// The private key is drawn for the life of a page and cannot leave it. No element of the page and no message is named here.

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const LABEL = "testbed chat 1";
const utf8 = new TextEncoder();
// Control characters but tabs and newlines, and those that turn the direction of a line: the server, which removes them elsewhere, sees nothing here.
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** True where the browser encrypts: on `https`, and on this machine. */
export const canSeal = () => Boolean(globalThis.crypto?.subtle);

/** A public key in the one form in which it is named; an error if it is none. */
export async function canonical(shown) {
  return toText(await crypto.subtle.exportKey("raw", await crypto.subtle.importKey("raw", toBytes(shown), CURVE, true, [])));
}

export class Keys {
  static async draw() {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
    const shown = toText(await crypto.subtle.exportKey("raw", publicKey));
    return Object.assign(new Keys(), { privateKey, shown, id: await idOf(shown) });
  }

  /** The two ways between this page and the one that shows this public key: a key for each. */
  async ways(shown) {
    const theirs = await crypto.subtle.importKey("raw", toBytes(shown), CURVE, false, []);
    const bits = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, this.privateKey, 256);
    const secret = await crypto.subtle.importKey("raw", bits, "HKDF", false, ["deriveKey"]);
    const way = (from, to, use) => {
      const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: utf8.encode(`${LABEL}|${from}|${to}`) };
      return crypto.subtle.deriveKey(how, secret, { name: "AES-GCM", length: 256 }, false, [use]);
    };
    const [there, back] = [await way(this.shown, shown, "encrypt"), await way(shown, this.shown, "decrypt")];
    return { shown, id: await idOf(shown), number: await numberOf(this.shown, shown), there, back };
  }
}

/** Message `n` of a way; `head` is what goes with it in the clear and must not change. No way has two messages of one number. */
export async function seal(key, n, head, words) {
  return toText(await crypto.subtle.encrypt(parameters(n, head), key, utf8.encode(words)));
}

/** The text of a message; an error if anything of it is not as it was sealed. */
export async function open(key, n, head, data) {
  const bytes = await crypto.subtle.decrypt(parameters(n, head), key, toBytes(data));
  return new TextDecoder().decode(bytes).replace(/\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g, "\n").replace(OBEYED, "\ufffd");
}

function parameters(n, head) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, BigInt(n));
  return { name: "AES-GCM", iv, additionalData: utf8.encode(head) };
}

/** Short name of a public key: it tells keys of one person apart, and proves nothing. */
async function idOf(shown) {
  return toText((await digest(shown)).slice(-8));
}

/** The number that two people compare: 30 digits of each key, the same on both pages. */
async function numberOf(...keys) {
  const halves = [];
  for (const shown of keys.sort()) {
    const bytes = await digest(shown);
    const group = (n) => bytes.slice(5 * n, 5 * n + 5).reduce((sum, byte) => (sum * 256 + byte) % 100_000, 0);
    for (let n = 0; n < 6; n += 1) halves.push(String(group(n)).padStart(5, "0"));
  }
  return halves.join(" ");
}

async function digest(shown) {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", utf8.encode(`${LABEL}|${shown}`)));
}

/** Bytes as text in Base64 for addresses (RFC 4648 §5), and back. */
function toText(bytes) {
  let binary = "";
  for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function toBytes(words) {
  return Uint8Array.from(atob(words.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}
