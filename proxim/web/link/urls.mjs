// Finds the addresses in a text that a browser may open. The rules are those of the window, too.

// Up to white space, a control or invisible character, or a quotation mark
const ADDRESS =
  /https?:\/\/(?![/\\?#])[^\s\p{Cc}\p{Cf}\p{Cs}\p{Pi}\p{Pf}"'`<>\u201a\u201e\u3008-\u300f]+/giu;
const ENDS = ".,;:!?";
// Brackets, each closing one with the one that opens it
/** @type {Record<string, string>} */
const OPENED_BY = { ")": "(", "]": "[", "}": "{" };

/** @typedef {{ text: string, url?: string }} Piece */

/**
 * Cut a text into pieces, of which some are addresses.
 * @param {string} text
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(ADDRESS)) {
    const address = withoutEnd(match);
    const url = opened(address);
    if (!url) continue;
    if (index > end) found.push({ text: text.slice(end, index) });
    found.push({ text: address, url });
    end = index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/**
 * Return an address without what belongs to the sentence around it: punctuation at its end, and
 * brackets that it does not open itself.
 * @param {string} address
 */
function withoutEnd(address) {
  /** @type {Record<string, number>} */
  const open = { "(": 0, "[": 0, "{": 0 };
  /** @type {Set<number>} */
  const strange = new Set();
  for (let at = 0; at < address.length; at++) {
    const character = address[at];
    if (character in open) open[character]++;
    else if (character in OPENED_BY && --open[OPENED_BY[character]] < 0) {
      open[OPENED_BY[character]] = 0;
      strange.add(at);
    }
  }
  let end = address.length;
  while (ENDS.includes(address[end - 1]) || strange.has(end - 1)) end--;
  return address.slice(0, end);
}

/**
 * Return what a browser opens for an address; null if it is none. In front of an `@` another
 * host's name could stand, so such an address stays text.
 * @param {string} address
 */
function opened(address) {
  const [, , authority] = address.split(/[/\\?#]/);
  if (!authority || authority.includes("@")) return null;
  try {
    return new URL(address).href;
  } catch {
    return null;
  }
}
