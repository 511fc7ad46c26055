// Text from others, as a person may see it.

const MAX_SHOWN = 120;
// The end of a name that is cut stays, as it has the file's type.
const END_SHOWN = 16;
// Control, invisible and private characters, halves of surrogate pairs, and line separators
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

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
 * Return the last part of a path; the browser replaces what its file system does not accept.
 * @param {string} path
 */
export function leafName(path) {
  const leaf = path.split(/[/\\]/).pop() ?? "";
  // A leading dot would hide the file.
  return shown(leaf).replace(/^\.+/, "") || "file";
}
