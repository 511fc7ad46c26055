// Text from others, as a person may see it, and as a file's name.

import { utf8 } from "./bytes.mjs";

const MAX_SHOWN = 120;
// The end of a name that is cut stays, as it has the file's type.
const END_SHOWN = 16;
// The rules for names of core/sanitize.py, which says why
const SPACES = /[\t-\r\x1c-\x1f\x85\p{Z}]+/gu;
const HIDDEN =
  /[\p{C}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;
const MARKS = /^[\p{M} ]+|((?:[\p{Mn}\p{Me}]\p{Mc}*){5})([\p{Mn}\p{Me}\p{Mc}]*)/gu;
const DISTINCTIVE =
  /(?![\u0660\u06f0\u119e\u1427\ua78f\u2500-\u25ff\u2800-\u28ff\ufffc\ufffd])[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{N}\p{So}\p{Sc}]/u;

// The limits and characters of core/files/filenames.py, which says why.
const MAX_NAME_BYTES = 200;
const MAX_TYPE_BYTES = 24;
const DROPPED =
  /(?![\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])\p{Cf}/gu;
const UNUSABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{NChar}\uf000-\uf0ff\\:*?"<>|]/gu;
const DEVICE = /^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(COM|LPT)[0-9¹²³])$/i;
const FORK = "..namedfork";

/**
 * Return `text` without characters that could make a name look like another, cut to `most`
 * characters; empty, if it would show nothing by which it can be told from another.
 * @param {string} text
 */
export function shown(text, most = MAX_SHOWN) {
  const visible = text.replace(SPACES, " ").replace(HIDDEN, "").replace(SPACES, " ").trim();
  const clean = visible
    .normalize("NFC")
    .replace(MARKS, (_all, kept = "", more = "") => kept + more.replace(/[\p{Mn}\p{Me}]/gu, ""))
    .normalize("NFC");
  return DISTINCTIVE.test(clean.normalize("NFKD")) ? shortened(clean, most) : "";
}

/**
 * Cut a text that is shown to `most` characters; its end stays.
 * @param {string} text
 */
export function shortened(text, most = MAX_SHOWN) {
  const characters = Array.from(text);
  if (characters.length <= most) return text;
  const start = characters.slice(0, most - END_SHOWN - 1).join("");
  return `${start}…${characters.slice(-END_SHOWN).join("")}`;
}

/**
 * Return the name under which the file of a path is saved.
 * @param {string} path
 */
export const savedName = (path) => cleanName(path.split("/").pop() ?? "", true);

/**
 * Return a part of a path as a name. The rules are those of core/files/filenames.py for a disk of
 * which nothing is known. At the top a name does not begin with a dot.
 * @param {string} part
 * @param {boolean} isTop
 */
export function cleanName(part, isTop) {
  const fit = part.replace(DROPPED, "").replace(UNUSABLE, "_").normalize("NFC");
  const bare = withoutEnds(isTop ? fit.replace(/^[.\s]+/, "") : fit);
  return fitted(guarded(bare || "unnamed"), "");
}

/**
 * Return the name with a number: "photo (2).jpg".
 * @param {string} name
 * @param {number} number
 */
export const numbered = (name, number) => fitted(name, ` (${number})`);

/**
 * Insert `number` before the type of a file, and cut the name to the limit.
 * @param {string} name
 * @param {string} number
 */
function fitted(name, number) {
  const dot = name.lastIndexOf(".");
  const hasType = dot > 0 && utf8(name.slice(dot + 1)).length < MAX_TYPE_BYTES;
  const type = hasType ? name.slice(dot) : "";
  const stem = name.slice(0, name.length - type.length);
  const room = MAX_NAME_BYTES - utf8(number + type).length;
  const spelled = utf8(stem);
  if (spelled.length <= room) return stem + number + type;
  // As part of a stream, a character whose end is missing is left out.
  const cut = new TextDecoder().decode(spelled.slice(0, room), { stream: true });
  return guarded(withoutEnds(cut) + number + type);
}

/** @param {string} name */
const withoutEnds = (name) => name.replace(/[.\s]+$/, "");

/** @param {string} name */
const guarded = (name) =>
  DEVICE.test(name.split(".")[0].trimEnd()) || name.toLowerCase() === FORK ? `_${name}` : name;
