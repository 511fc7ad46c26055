// The bytes of one file until it is complete. Pages over http cannot write files, but they have
// Blobs, which Chromium moves to its disk (storage/browser/blob/README.md).

import { Sha256 } from "../sha256.mjs";

const PIECE_BYTES = 4 * 1024 * 1024;
// At least this many milliseconds pass between two pieces that are kept; smaller pieces cost speed.
const KEEP_MS = 1_000;

export class IncomingFile {
  /**
   * What has arrived since the last blob
   * @type {Uint8Array<ArrayBuffer>[]}
   */
  parts = [];
  partsBytes = 0;
  keptAt = -Infinity;

  /**
   * Continues after `blobs`, whose hash is `hash`. Each further piece is passed to `keep`.
   * @param {(piece: KeptPiece, number: number) => void} keep
   * @param {Blob[]} [blobs]
   * @param {HashProgress} [hash]
   */
  constructor(keep, blobs = [], hash = {}) {
    this.keep = keep;
    this.blobs = blobs;
    this.hash = new Sha256(hash);
  }

  get bytes() {
    return this.hash.length;
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  append(bytes) {
    this.hash.update(bytes);
    this.parts.push(bytes);
    this.partsBytes += bytes.length;
    const now = performance.now();
    if (this.partsBytes < PIECE_BYTES || now - this.keptAt < KEEP_MS) return;
    this.keptAt = now;
    const blob = new Blob(this.parts);
    this.parts = [];
    this.partsBytes = 0;
    this.keep({ blob, hash: new Sha256(this.hash) }, this.blobs.length);
    this.blobs.push(blob);
  }

  /** The whole file. With this type a browser saves it and never shows or runs it as our page. */
  blob() {
    return new Blob([...this.blobs, ...this.parts], { type: "application/octet-stream" });
  }
}
