// One open link: greeting, heartbeat, text, goodbye. Never here: signaling, what a transfer is.

import { parse } from "./ask.mjs";
import { utf8 } from "./crypto.mjs";

// As the program has them (docs/protocol.md, Link).
const PING_MS = 1_000;
const SILENCE_MS = 4_500;
const ASLEEP_MS = 2 * PING_MS; // a tick so late: it was this page that slept
const DEAD_MS = 8_000; // so late: the host has given us up
const FAREWELL_MS = 500;
const TEXT_PIECES = /.{1,8192}/gsu; // by code points: no pair is cut
const LIST_BYTES = 32 * 1024;
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_STRANGE = 8;
const BYE_REASONS = ["closed", "expired", "tampered", "peer_error"];

export class Link {
	/** `on` is set as soon as it is open: {text(text), greeted(), closed(reason, mayResume), files}. */
	constructor(peer, name, proof) {
		Object.assign(this, { peer, proof, on: null, features: [], peerName: "", over: false });
		this.text = "";
		this.textBytes = this.strange = 0;
		this.control = peer.createDataChannel("control");
		this.control.onopen = () => {
			this.heard = this.ticked = Date.now();
			this.say({ type: "hello", version: 1, features: ["text", "files"], name });
			this.ticking = setInterval(() => this.tick(), PING_MS);
		};
		this.control.onmessage = ({ data }) => this.message(parse(data));
		this.control.onclose = () => this.lost("peer_left", true);
		peer.addEventListener("connectionstatechange", () => peer.connectionState === "failed" && this.lost("peer_vanished", true));
		peer.ondatachannel = ({ channel }) => {
			channel.binaryType = "arraybuffer";
			if (!this.on?.files.stream(channel)) this.say({ type: "unsupported", what: "channel" });
		};
	}

	say(message) {
		if (this.control.readyState === "open") this.control.send(JSON.stringify(message));
	}

	/** A list in as many messages as it takes; the last has `last` with it. */
	sayList(message, field, list, last) {
		const rest = [...list];
		do {
			const piece = [];
			for (let room = LIST_BYTES; room > 0 && rest.length; piece.push(rest.shift())) room -= utf8(JSON.stringify(rest[0])).length;
			this.say({ ...message, [field]: piece, ...(rest.length ? { more: true } : last) });
		} while (rest.length);
	}

	/** False where it is more than a link carries. */
	sendText(text) {
		const bytes = utf8(text);
		if (bytes.length > MAX_TEXT_BYTES) return false;
		const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes); // half a pair is no UTF-8
		whole.match(TEXT_PIECES).forEach((piece, index, { length }) => this.say({ type: "text", text: piece, more: index < length - 1 || undefined }));
		return true;
	}

	close() {
		if (this.over) return;
		this.say({ type: "bye", reason: "disconnected" });
		this.drop(FAREWELL_MS);
	}

	drop(milliseconds = 0) {
		this.over = true;
		clearInterval(this.ticking);
		setTimeout(() => this.peer.close(), milliseconds);
	}

	lost(reason, mayResume) {
		if (this.over) return;
		this.drop();
		this.on?.closed(reason, mayResume);
	}

	refuse() {
		this.say({ type: "bye", reason: "peer_error" });
		this.lost("peer_error", false);
	}

	tick() {
		const now = Date.now();
		const slept = now - this.ticked;
		this.ticked = now;
		if (slept > ASLEEP_MS) this.heard = slept > DEAD_MS ? 0 : now;
		if (this.features.length && now - this.heard >= SILENCE_MS) this.lost("peer_vanished", true);
		else this.say({ type: "ping" });
	}

	message(message) {
		if (this.over) return;
		const { type } = message;
		this.heard = Date.now();
		if (type === "hello") {
			this.features = ["text"].concat(message.features ?? []);
			this.peerName = String(message.name ?? "");
			this.on.greeted();
		} else if (type === "text") {
			this.piece(String(message.text ?? ""), message.more === true);
		} else if (type === "bye") {
			this.lost(BYE_REASONS.includes(message.reason) ? message.reason : "peer_left", false);
		} else if (type !== "ping" && type !== "unsupported" && !this.on.files.message(message)) {
			this.notUnderstood(type ?? "bad_json");
		}
	}

	notUnderstood(what) {
		if (++this.strange > MAX_STRANGE) this.refuse();
		else this.say({ type: "unsupported", what: String(what).slice(0, 64) });
	}

	piece(text, more) {
		this.text += text;
		this.textBytes += utf8(text).length;
		if (this.textBytes > MAX_TEXT_BYTES) this.refuse();
		else if (!more) {
			this.on.text(this.text);
			this.text = "";
			this.textBytes = 0;
		}
	}
}
