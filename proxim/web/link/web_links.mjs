// Finds the web addresses in a text that people can open with one tap. The rule is that of the
// window (core/link/web_links.py), and tests/vectors/web_links.json tries both: what can be tapped
// is what is shown, so an address ends before everything that could make it look like another one.

// Windows opens no longer addresses.
const MAX_LENGTH = 2048;
// With the flag `i`, "s" in any case would also be the long s (U+017F).
const SCHEME = "[hH][tT][tT][pP][sS]?://";
// These end an address: spaces and controls; what RFC 3986 never allows; quotation marks; brackets
// and stops of Chinese and Japanese; and characters without a shape.
const END = [
  "\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
  '<>"\\x60\\{\\|\\}\\\\\\^',
  "\\xab\\xbb\\u2018-\\u201f\\u2039\\u203a",
  "\\u3001\\u3002\\u3008-\\u3011\\uff01\\uff08\\uff09\\uff0c\\uff1a\\uff1b\\uff1f\\uff61-\\uff64",
  "\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e",
  "\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff\\ud800-\\udfff",
  "\\ue000-\\uf8ff\\u{e0000}-\\u{10ffff}",
].join("");
const CANDIDATE = new RegExp(`(^|[^A-Za-z0-9])(${SCHEME}[^${END}]+)`, "gu");
// The host is ASCII, as other letters can look like those of a known name; `@` would let such a
// name stand before the true host.
const NAME = "[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?";
const ADDRESS = new RegExp(
  `^${SCHEME}(?:${NAME}|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?(?:[/?#].*)?$`,
  "u",
);
// At the end of an address these belong to the sentence.
const SENTENCE_ENDS = ".,;:!?'*";
// So does a closing bracket without its opening one.
/** @type {Record<string, string>} */
const BRACKETS = { ")": "(", "]": "[" };

/** @typedef {{ text: string, isAddress: boolean }} Piece */

/**
 * Cut a text into pieces, of which some are addresses.
 * @param {string} text
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let end = 0;
  for (const { 1: before, 2: candidate, index: at } of text.matchAll(CANDIDATE)) {
    const index = at + before.length;
    // As in Python, a character counts once that takes two places here.
    if ([...candidate].length > MAX_LENGTH) continue;
    const address = withoutSentence(candidate);
    if (!ADDRESS.test(address)) continue;
    if (index > end) found.push({ text: text.slice(end, index), isAddress: false });
    found.push({ text: address, isAddress: true });
    end = index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), isAddress: false });
  return found;
}

/**
 * Remove from the end of an address what belongs to the sentence around it.
 * @param {string} address
 */
function withoutSentence(address) {
  /** @type {Record<string, number>} */
  const unopened = {};
  for (const [closing, opening] of Object.entries(BRACKETS)) {
    unopened[closing] = count(address, closing) - count(address, opening);
  }
  let end = address.length;
  for (; ; end--) {
    const last = address[end - 1];
    if (SENTENCE_ENDS.includes(last)) continue;
    if (!(unopened[last] > 0)) return address.slice(0, end);
    unopened[last]--;
  }
}

/**
 * @param {string} text
 * @param {string} character
 */
const count = (text, character) => text.split(character).length - 1;
