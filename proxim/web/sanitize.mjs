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

/**
 * Return `text` without characters that could make a name look like another, cut to `most`
 * characters; empty, if it would show nothing by which it can be told from another.
 * @param {string} text
 */
export function shown(text, most = MAX_SHOWN) {
  const visible = text.replace(SPACES, " ").replace(HIDDEN, "").replace(SPACES, " ").trim();
  const clean = visible
    .normalize("NFC")
    .replace(MARKS, (_all, kept = "", more = "") => kept + more.replace(/[\p{Mn}\p{Me}]/gu, ""));
  if (!DISTINCTIVE.test(clean.normalize("NFKD"))) return "";
  const characters = Array.from(clean);
  if (characters.length <= most) return clean;
  const start = characters.slice(0, most - END_SHOWN - 1).join("");
  return `${start}…${characters.slice(-END_SHOWN).join("")}`;
}

/**
 * Return the name under which the file of a path is saved. The rules are those of
 * core/files/filenames.py for a disk of which nothing is known.
 * @param {string} path
 */
export function savedName(path) {
  const leaf = path.split("/").pop() ?? "";
  const fit = leaf.replace(DROPPED, "").replace(UNUSABLE, "_").normalize("NFC");
  const name = guarded(withoutEnds(fit.replace(/^[.\s]+/, "")) || "unnamed");
  if (utf8(name).length <= MAX_NAME_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const hasType = dot > 0 && utf8(name.slice(dot + 1)).length < MAX_TYPE_BYTES;
  const type = hasType ? name.slice(dot) : "";
  const room = MAX_NAME_BYTES - utf8(type).length;
  const stem = utf8(name.slice(0, name.length - type.length)).slice(0, room);
  // As part of a stream, a character whose end is missing is left out.
  return guarded(withoutEnds(new TextDecoder().decode(stem, { stream: true })) + type);
}

/** @param {string} name */
const withoutEnds = (name) => name.replace(/[.\s]+$/, "");

/** @param {string} name */
const guarded = (name) => (DEVICE.test(name.split(".")[0].trimEnd()) ? `_${name}` : name);
