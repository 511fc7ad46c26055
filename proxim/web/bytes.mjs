// Bytes and their spellings.

import { toBase64url } from "./pairing/ask.mjs";

/** @param {string} text */
export const utf8 = (text) => new TextEncoder().encode(text);

/**
 * Join bytes, and texts as UTF-8.
 * @param {...(string | ArrayLike<number>)} parts
 */
export function concat(...parts) {
  const pieces = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let filled = 0;
  for (const piece of pieces) {
    whole.set(piece, filled);
    filled += piece.length;
  }
  return whole;
}

/** @param {number} value */
export function u32(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** @param {number} value */
export function u64(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/**
 * Compare in a time that does not depend on where the bytes differ.
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function equalBytes(one, other) {
  let difference = one.length ^ other.length;
  for (let i = 0; i < one.length; i++) difference |= one[i] ^ other[i];
  return difference === 0;
}

/**
 * Decode `text`; null if it is not the one correct spelling of `length` bytes.
 * @param {unknown} text
 * @param {number} length
 */
export function fromBase64url(text, length) {
  // No bytes make a text of 4n + 1 characters, and atob() throws for it.
  if (typeof text !== "string" || !/^[\w-]+$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return bytes.length === length && toBase64url(bytes) === text ? bytes : null;
}
