// Text from others, as a person may see it, and as a file's name.

import { utf8 } from "./bytes.mjs";

const MAX_SHOWN = 120;
// The end of a name that is cut stays, as it has the file's type.
const END_SHOWN = 16;
// Control, invisible and private characters, halves of surrogate pairs, and line separators
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

// The limits and characters of core/files/filenames.py, which says why.
const MAX_NAME_BYTES = 200;
const MAX_TYPE_BYTES = 24;
const DROPPED =
  /(?![\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])\p{Cf}/gu;
const UNUSABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{NChar}\uf000-\uf0ff\\:*?"<>|]/gu;
const DEVICE = /^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(COM|LPT)[0-9¹²³])$/i;

/**
 * Return `text` without characters that could make a name look like another, cut to `most`
 * characters.
 * @param {string} text
 */
export function shown(text, most = MAX_SHOWN) {
  const clean = text.normalize("NFC").replace(HIDDEN, "").trim();
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
