// How large a picture is according to its own header, so that a few bytes are never decoded to a
// picture that fills the memory.

import { PNG } from "./updates.mjs";

const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13];
const IHDR = [0x49, 0x48, 0x44, 0x52];
// The markers of JPEG that name a size (ITU-T T.81, B.1.1.3)
const FRAMES = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];

/**
 * Return the width and height of a PNG or JPEG; null if it is none.
 * @param {Uint8Array} bytes
 * @param {number} format
 */
export const imageSize = (bytes, format) => (format === PNG ? pngSize(bytes) : jpegSize(bytes));

/**
 * @param {Uint8Array} bytes
 * @returns {[number, number] | null}
 */
function pngSize(bytes) {
  const isPNG = [...PNG_START, ...IHDR].every((byte, index) => bytes[index] === byte);
  if (!isPNG || bytes.length < 24) return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return [data.getUint32(16), data.getUint32(20)];
}

/**
 * @param {Uint8Array} bytes
 * @returns {[number, number] | null}
 */
function jpegSize(bytes) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 4 || data.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 <= bytes.length; at += 2 + data.getUint16(at + 2)) {
    if (bytes[at] !== 0xff) return null;
    if (FRAMES.includes(bytes[at + 1])) return [data.getUint16(at + 7), data.getUint16(at + 5)];
  }
  return null;
}
