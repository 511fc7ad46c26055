// SHA-256 and HMAC. They are written here because a page over http has no `crypto.subtle`.

import { concat, u64 } from "./bytes.mjs";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

// FIPS 180-4, 5.3.3: the first 32 bits of the fractions of the first 8 primes' square roots.
const INITIAL_STATE = Int32Array.from([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
// FIPS 180-4, 4.2.2: the first 32 bits of the fractions of the first 64 primes' cube roots.
const K = Int32Array.from([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

// The message schedule of the block that is being hashed. One array for all blocks is the fastest.
const W = new Int32Array(64);

// FIPS 180-4, 4.1.2, calls these functions Maj, Ch, ROTR, Σ0, Σ1, σ0 and σ1. The forms of the
// first two are shorter than those there, and equal.
/** @type {(x: number, y: number, z: number) => number} */
const majority = (x, y, z) => (x & y) | (z & (x | y));
/** @type {(x: number, y: number, z: number) => number} */
const choose = (x, y, z) => z ^ (x & (y ^ z));
/** @type {(x: number, n: number) => number} */
const rotateRight = (x, n) => (x >>> n) | (x << (32 - n));
/** @param {number} x */
const bigSigma0 = (x) => rotateRight(x, 2) ^ rotateRight(x, 13) ^ rotateRight(x, 22);
/** @param {number} x */
const bigSigma1 = (x) => rotateRight(x, 6) ^ rotateRight(x, 11) ^ rotateRight(x, 25);
/** @param {number} x */
const smallSigma0 = (x) => rotateRight(x, 7) ^ rotateRight(x, 18) ^ (x >>> 3);
/** @param {number} x */
const smallSigma1 = (x) => rotateRight(x, 17) ^ rotateRight(x, 19) ^ (x >>> 10);

/** A hash that starts anew, or continues from another one (or from its stored copy). */
export class Sha256 {
  /** @param {HashProgress} [progress] */
  constructor({ state = INITIAL_STATE, rest = new Uint8Array(BLOCK_BYTES), length = 0 } = {}) {
    this.state = state.slice();
    // The bytes behind the last whole block
    this.rest = rest.slice();
    // How many bytes have been hashed in all
    this.length = length;
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    const filled = this.length % BLOCK_BYTES;
    const first = filled ? Math.min(BLOCK_BYTES - filled, bytes.length) : 0;
    this.rest.set(bytes.subarray(0, first), filled);
    if (filled + first === BLOCK_BYTES) this.hashBlocks(this.rest, 0, BLOCK_BYTES);
    const end = bytes.length - ((bytes.length - first) % BLOCK_BYTES);
    this.hashBlocks(bytes, first, end);
    this.rest.set(bytes.subarray(end));
    this.length += bytes.length;
    return this;
  }

  /** Return the hash of all bytes so far; more may follow. */
  digest() {
    // FIPS 180-4, 5.1.1: a 1 bit, as many 0 bits as fill the block, and the length in bits.
    const padding = new Uint8Array(BLOCK_BYTES - ((this.length + 8) % BLOCK_BYTES));
    padding[0] = 0x80;
    const { state } = new Sha256(this).update(padding).update(u64(this.length * 8));
    const digest = new Uint8Array(DIGEST_BYTES);
    const view = new DataView(digest.buffer);
    state.forEach((word, index) => view.setInt32(4 * index, word));
    return digest;
  }

  /**
   * FIPS 180-4, 6.2.2; `| 0` keeps the numbers 32-bit integers.
   * @param {Uint8Array} bytes
   * @param {number} from
   * @param {number} to
   */
  hashBlocks(bytes, from, to) {
    const H = this.state;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = from; at < to; at += BLOCK_BYTES) {
      for (let i = 0; i < 16; i++) W[i] = view.getInt32(at + 4 * i);
      for (let i = 16; i < 64; i++) {
        W[i] = W[i - 16] + smallSigma0(W[i - 15]) + W[i - 7] + smallSigma1(W[i - 2]);
      }
      let a = H[0];
      let b = H[1];
      let c = H[2];
      let d = H[3];
      let e = H[4];
      let f = H[5];
      let g = H[6];
      let h = H[7];
      for (let i = 0; i < 64; i++) {
        const t1 = (h + bigSigma1(e) + choose(e, f, g) + K[i] + W[i]) | 0;
        const t2 = (bigSigma0(a) + majority(a, b, c)) | 0;
        h = g;
        g = f;
        f = e;
        e = (d + t1) | 0;
        d = c;
        c = b;
        b = a;
        a = (t1 + t2) | 0;
      }
      H[0] += a;
      H[1] += b;
      H[2] += c;
      H[3] += d;
      H[4] += e;
      H[5] += f;
      H[6] += g;
      H[7] += h;
    }
  }
}

/** @param {...(string | Uint8Array)} parts */
export const sha256 = (...parts) => new Sha256().update(concat(...parts)).digest();

/**
 * HMAC (RFC 2104) by SHA-256.
 * @param {Uint8Array} key
 * @param {Uint8Array} message
 */
export function hmac(key, message) {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = sha256(
    block.map((byte) => byte ^ 0x36),
    message,
  );
  return sha256(
    block.map((byte) => byte ^ 0x5c),
    inner,
  );
}
