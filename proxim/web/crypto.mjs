// SHA-256, HMAC and the guest's side of the proof (docs/protocol.md, Proof). They are written here because a page over
// http has no `crypto.subtle`.

import { toBase64url } from "./ask.mjs";

export const utf8 = (text) => new TextEncoder().encode(text);

const BLOCK = 64;
const W = new Int32Array(64);

// By FIPS 180-4, 4.2.2 and 5.3.3, these are 32 bits of the fractions of roots of the first primes.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const fractions = (roots) => Int32Array.from(roots, (root) => (root % 1) * 2 ** 32);
const K = fractions(primes.map(Math.cbrt));
const FIRST = fractions(primes.slice(0, 8).map(Math.sqrt));
const maj = (x, y, z) => (x & y) | (z & (x | y));
const right = (x, n) => (x >>> n) | (x << (32 - n));
const S0 = (x) => right(x, 2) ^ right(x, 13) ^ right(x, 22);
const S1 = (x) => right(x, 6) ^ right(x, 11) ^ right(x, 25);
const s0 = (x) => right(x, 7) ^ right(x, 18) ^ (x >>> 3);
const s1 = (x) => right(x, 17) ^ right(x, 19) ^ (x >>> 10);

/** A hash that continues from another one, or from its stored copy, if that is given. */
export class Sha256 {
	constructor({ state = FIRST, rest = new Uint8Array(BLOCK), length = 0 } = {}) {
		this.state = state.slice();
		this.rest = rest.slice();
		this.length = length;
	}

	update(bytes) {
		const filled = this.length % BLOCK;
		const first = filled ? Math.min(BLOCK - filled, bytes.length) : 0;
		this.rest.set(bytes.subarray(0, first), filled);
		if (filled + first === BLOCK) this.blocks(this.rest, 0, BLOCK);
		const end = bytes.length - ((bytes.length - first) % BLOCK);
		this.blocks(bytes, first, end);
		this.rest.set(bytes.subarray(end));
		this.length += bytes.length;
		return this;
	}

	digest() {
		const padding = new Uint8Array(BLOCK - ((this.length + 8) % BLOCK));
		padding[0] = 0x80;
		const { state } = new Sha256(this).update(padding).update(u64(this.length * 8));
		return concat(...[...state].map(u32));
	}

	// This is 6.2.2 of FIPS 180-4; `| 0` keeps the numbers 32-bit integers.
	blocks(bytes, from, to) {
		const H = this.state;
		const view = new DataView(bytes.buffer, bytes.byteOffset);
		for (let at = from; at < to; at += BLOCK) {
			for (let i = 0, p = at; i < 16; i++, p += 4) W[i] = view.getInt32(p);
			for (let i = 16; i < 64; i++) W[i] = W[i - 16] + s0(W[i - 15]) + W[i - 7] + s1(W[i - 2]);
			let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
			for (let i = 0; i < 64; i++) {
				const t = (h + S1(e) + (g ^ (e & (f ^ g))) + K[i] + W[i]) | 0;
				const u = (t + S0(a) + maj(a, b, c)) | 0;
				h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = u;
			}
			H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
		}
	}
}

export const sha256 = (...parts) => new Sha256().update(concat(...parts)).digest();

export function hmac(key, message) {
	const block = new Uint8Array(BLOCK);
	block.set(key.length > BLOCK ? sha256(key) : key);
	const inner = sha256(block.map((byte) => byte ^ 0x36), message);
	return sha256(block.map((byte) => byte ^ 0x5c), inner);
}

const concat = (...parts) => Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? utf8(part) : part)]));

export function u64(value) {
	const bytes = new DataView(new ArrayBuffer(8));
	bytes.setBigUint64(0, BigInt(value));
	return new Uint8Array(bytes.buffer);
}

export const u32 = (value) => u64(value).subarray(4);

/** Compare in a time that does not depend on where the bytes differ. */
export function same(one, other) {
	let difference = one.length ^ other.length;
	for (let i = 0; i < one.length; i++) difference |= one[i] ^ other[i];
	return difference === 0;
}

/** Decode `text`; null if it is not the one correct spelling of `length` bytes. */
export function fromBase64url(text, length) {
	if (typeof text !== "string" || !/^[\w-]+$/.test(text) || text.length % 4 === 1) return null;
	const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
	return bytes.length === length && toBase64url(bytes) === text ? bytes : null;
}

const LABEL = "proxim-auth-1";

const lv = (...parts) => concat(...parts.map((part) => concat(part)).flatMap((part) => [u32(part.length), part]));

const isTag = (text, tag) => same(fromBase64url(text, 32) ?? "", tag);

export class Proof {
	sent = 0;
	received = 0;
	offer = "";

	constructor(method, sessionID, device, secret, share) {
		Object.assign(this, { method, secret, share });
		this.context = lv(LABEL, method, sessionID, device.name, device.id);
	}

	confirm(auth) {
		const other = auth?.v === 1 && auth.m === this.method ? fromBase64url(auth.y, this.share.length) : null;
		if (!other) return null;
		this.transcript = sha256(lv(this.context, this.share, other));
		// This is the extract step of HKDF.
		this.root = hmac(this.transcript, this.secret);
		return { t: toBase64url(hmac(this.key("confirm guest"), this.transcript)) };
	}

	/** Without a challenge there is no root, and nothing is proved. */
	hostProved(status, auth) {
		return Boolean(this.root) && isTag(auth?.t, hmac(this.key("confirm host"), concat(this.transcript, status)));
	}

	key(purpose) {
		// This is the expand step of HKDF (RFC 5869) with one round.
		return hmac(this.root, concat(`${LABEL} ${purpose}`, [1]));
	}

	get resumeName() {
		return `@${toBase64url(this.key("resume name").subarray(0, 16))}`;
	}

	resumeTag(transferID) {
		return toBase64url(sha256("proxim-resume-1 ", this.key("link"), transferID));
	}

	seal(payload) {
		const mac = toBase64url(this.mac("guest", this.sent++, payload, ""));
		if (payload.sdp !== undefined) this.offer = sha256(payload.sdp);
		return { ...payload, mac };
	}

	opens(payload) {
		return isTag(payload.mac, this.mac("host", this.received++, payload, this.offer));
	}

	mac(side, count, { sdp, candidate, sdpMid, sdpMLineIndex }, bound) {
		const fields = Object.entries(sdp === undefined ? { candidate: candidate.trim(), sdpMid, sdpMLineIndex } : { sdp });
		const given = fields.filter(([, value]) => (value ?? null) !== null).flat();
		return hmac(this.key(`signal ${side}`), concat(u64(count), lv(lv(...given.map(String)), bound)));
	}
}
