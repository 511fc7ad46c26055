// SHA-256, HMAC and base64url, because `crypto.subtle` is missing where a page came over http to a LAN address.
// Must never be here: what is hashed, and why (proof.mjs).

import { toBase64url } from "./ask.mjs";

const BLOCK = 64;
const W = new Int32Array(64); // scratch of one block: nothing runs between two of them

// FIPS 180-4, 4.2.2 and 5.3.3: the first 32 bits of the fractions of roots of the first primes.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const fractions = (roots) => Int32Array.from(roots, (root) => (root % 1) * 2 ** 32);
const K = fractions(primes.map(Math.cbrt));
const FIRST = fractions(primes.slice(0, 8).map(Math.sqrt));

/** Hashes as it goes: update() any number of times; digest() at any moment. */
export class Sha256 {
	/** As it was `from` on: another one, or what a storage has made of it. */
	constructor({ state = FIRST, rest = new Uint8Array(BLOCK), length = 0 } = {}) {
		this.state = state.slice();
		this.rest = rest.slice();
		this.length = length;
	}

	update(bytes) {
		const held = this.length % BLOCK;
		const first = held ? Math.min(BLOCK - held, bytes.length) : 0;
		this.rest.set(bytes.subarray(0, first), held);
		if (held + first === BLOCK) this.blocks(this.rest, 0, BLOCK);
		const end = first + Math.floor((bytes.length - first) / BLOCK) * BLOCK;
		this.blocks(bytes, first, end);
		this.rest.set(bytes.subarray(end));
		this.length += bytes.length;
		return this;
	}

	digest() {
		const padding = new Uint8Array(BLOCK - ((this.length + 8) % BLOCK));
		padding[0] = 0x80;
		const end = new Sha256(this).update(padding).update(u64(this.length * 8));
		const out = new DataView(new ArrayBuffer(32));
		end.state.forEach((word, index) => out.setInt32(index * 4, word));
		return new Uint8Array(out.buffer);
	}

	blocks(bytes, from, to) {
		let [h0, h1, h2, h3, h4, h5, h6, h7] = this.state;
		for (let at = from; at < to; at += BLOCK) {
			for (let i = 0, p = at; i < 16; i++, p += 4) {
				W[i] = (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
			}
			for (let i = 16; i < 64; i++) {
				const [x, y] = [W[i - 15], W[i - 2]];
				const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
				const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
				W[i] = W[i - 16] + s0 + W[i - 7] + s1;
			}
			let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
			for (let i = 0; i < 64; i++) {
				const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
				const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
				const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
				const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
				h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
			}
			h0 = (h0 + a) | 0; h1 = (h1 + b) | 0; h2 = (h2 + c) | 0; h3 = (h3 + d) | 0;
			h4 = (h4 + e) | 0; h5 = (h5 + f) | 0; h6 = (h6 + g) | 0; h7 = (h7 + h) | 0;
		}
		this.state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
	}
}

export const sha256 = (...parts) => new Sha256().update(concat(...parts)).digest();

/** RFC 2104. */
export function hmac(key, message) {
	const block = new Uint8Array(BLOCK);
	block.set(key.length > BLOCK ? sha256(key) : key);
	const inner = sha256(block.map((byte) => byte ^ 0x36), message);
	return sha256(block.map((byte) => byte ^ 0x5c), inner);
}

/** RFC 5869: its extract is hmac(salt, secret), and 32 bytes of its expand are one round. */
export const hkdfExpand32 = (key, info) => hmac(key, concat(info, Uint8Array.of(1)));

export const utf8 = (text) => new TextEncoder().encode(text);

export function concat(...parts) {
	const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

export function u64(value) {
	const bytes = new DataView(new ArrayBuffer(8));
	bytes.setBigUint64(0, BigInt(value));
	return new Uint8Array(bytes.buffer);
}

export const u32 = (value) => u64(value).subarray(4);

/** In a time that does not tell where they differ. */
export function same(one, other) {
	let difference = one.length ^ other.length;
	for (let i = 0; i < one.length; i++) difference |= one[i] ^ other[i];
	return difference === 0;
}

/** The bytes, or null where it is not the one spelling of `length` bytes. */
export function fromBase64url(text, length) {
	if (typeof text !== "string" || !/^[\w-]+$/.test(text) || text.length % 4 === 1) return null;
	const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
	return bytes.length === length && toBase64url(bytes) === text ? bytes : null;
}
