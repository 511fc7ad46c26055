// The guest's side of the proof and the MACs of signals: docs/protocol.md, Proof (version 1).
// Must never be here: sockets, what a person is told.

import { toBase64url } from "./ask.mjs";
import { concat, fromBase64url, hkdfExpand32, hmac, same, sha256, u32, u64, utf8 } from "./hash.mjs";

const LABEL = "proxim-auth-1";
const NOTHING = new Uint8Array(0);

const lv = (...parts) => concat(...parts.flatMap((part) => [u32(part.length), part]));

/** Methods "psk" (a QR's secret) and "resume" (the key of a link that was lost); `share` went with the request. */
export class Proof {
	constructor(method, sessionID, device, secret, share) {
		this.method = method;
		this.context = lv(...[LABEL, method, sessionID, device.name, device.id].map(utf8));
		this.secret = secret;
		this.share = share;
		this.sent = this.taken = 0;
		this.offer = NOTHING;
	}

	/** For pair_confirm, from what pair_challenge brought; null where that is no challenge. */
	confirm(auth) {
		const other = auth?.v === 1 && auth.m === this.method ? fromBase64url(auth.y, this.share.length) : null;
		if (!other) return null;
		this.transcript = sha256(lv(this.context, this.share, other));
		this.root = hmac(this.transcript, this.secret); // HKDF's extract
		return { t: toBase64url(hmac(this.key("confirm guest"), this.transcript)) };
	}

	/** Of pair_result: whether the host proved itself. */
	hostProved(status, auth) {
		const tag = fromBase64url(auth?.t, 32);
		return tag !== null && same(tag, hmac(this.key("confirm host"), concat(this.transcript, utf8(status))));
	}

	key(purpose) {
		return hkdfExpand32(this.root, utf8(`${LABEL} ${purpose}`));
	}

	get resumeName() {
		return `@${toBase64url(this.key("resume name").subarray(0, 16))}`;
	}

	/** What a receiver names an unfinished transfer by, on a link of this proof. */
	resumeTag(transferID) {
		return toBase64url(sha256(utf8("proxim-resume-1 "), this.key("link"), utf8(transferID)));
	}

	/** The payload of our next signal, with its MAC. */
	seal(payload) {
		const mac = this.mac("signal guest", this.sent++, payload, NOTHING);
		if (payload.sdp !== undefined) this.offer = sha256(utf8(payload.sdp));
		return { ...payload, mac: toBase64url(mac) };
	}

	/** Whether the host's next signal is as it sent it. */
	opens(payload) {
		const mac = fromBase64url(payload.mac, 32);
		return mac !== null && same(mac, this.mac("signal host", this.taken++, payload, this.offer));
	}

	mac(key, count, payload, bound) {
		return hmac(this.key(key), concat(u64(count), lv(fieldsOf(payload), bound)));
	}
}

function fieldsOf({ sdp, candidate, ...companions }) {
	if (sdp !== undefined) return lv(utf8("sdp"), utf8(sdp));
	const parts = ["candidate", candidate.trim()];
	for (const name of ["sdpMid", "sdpMLineIndex"]) parts.push(...(companions[name] == null ? [] : [name, `${companions[name]}`]));
	return lv(...parts.map(utf8));
}
