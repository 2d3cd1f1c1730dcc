// A text as nodes: links, code and lines. Everything of a person's text becomes the content of a text node,
// never markup.

const FENCE = /```(?:[a-z0-9+#-]*\n)?([\s\S]+?)```/g;
const INLINE = /`([^`\n]+)`|(https?:\/\/[^\s<>"`]+)/g;
// Punctuation behind a link belongs to the sentence, as does a bracket that the link has not opened.
const TAIL = /[.,;:!?'"]+$/;
const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u200d|\ufe0f|\s)+$/u;

/** The nodes of a text. */
export function nodesOf(text) {
  const nodes = [];
  let at = 0;
  for (const fence of text.matchAll(FENCE)) {
    pushInline(nodes, text.slice(at, fence.index));
    const block = document.createElement("pre");
    block.append(element("code", fence[1].replace(/\n$/, "")));
    nodes.push(block);
    at = fence.index + fence[0].length;
  }
  pushInline(nodes, text.slice(at));
  return nodes;
}

/** True if a text is a few emoji and nothing else. */
export function isEmoji(text) {
  return text.length <= 24 && EMOJI_ONLY.test(text);
}

function pushInline(nodes, text) {
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] !== undefined) {
      nodes.push(element("code", match[1]));
      continue;
    }
    const address = withoutTail(match[2]);
    nodes.push(link(address));
    at = match.index + address.length;
  }
  if (at < text.length) nodes.push(text.slice(at));
}

function withoutTail(address) {
  let link = address.replace(TAIL, "");
  while (link.endsWith(")") && link.split(")").length > link.split("(").length) {
    link = link.slice(0, -1).replace(TAIL, "");
  }
  return link;
}

function link(address) {
  const anchor = element("a", address);
  anchor.href = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer nofollow";
  return anchor;
}

/** An element with a text in it. */
export function element(kind, text, classes = "") {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}
