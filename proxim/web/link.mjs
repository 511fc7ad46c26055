// One open link: greeting, heartbeat, text, goodbye, and the data channels of transfers.
// Must never be here: signaling, what a transfer is (transfers.mjs), what a person sees.

import { parse } from "./ask.mjs";
import { utf8 } from "./hash.mjs";

// As the program has them (docs/protocol.md, Link).
const PING_MS = 1_000;
const SILENCE_MS = 4_500;
const ASLEEP_MS = 2 * PING_MS; // a tick so late: it was this page that slept
const DEAD_MS = 8_000; // asleep for so long, the host has given us up: 4.5 to 5.5 s after our last ping
const FAREWELL_MS = 500;
const TEXT_PIECES = /.{1,8192}/gsu; // by code points: no pair is cut
const LIST_BYTES = 32 * 1024;
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_STRANGE = 8;
const BYE_REASONS = ["closed", "expired", "tampered", "peer_error"];
const FILES = ["announce", "accept", "continue", "progress", "finished", "cancel", "resume"];

/**
 * `on` is set by the owner: text(text), file(message) and stream(channel, waiting), false where it makes no sense,
 * greeted(), closed(reason, mayResume). What comes before that waits.
 */
export class Link {
	constructor(peer, control, name, proof) {
		Object.assign(this, { peer, control, proof });
		this.features = [];
		this.peerName = "";
		this.over = false;
		this.text = ""; // what has come of one
		this.textBytes = this.strange = 0;
		this.on = null;
		this.early = [];
		control.onmessage = ({ data }) => this.deliver(() => this.message(data));
		control.onclose = () => this.deliver(() => this.lost("peer_left", true));
		control.addEventListener("open", () => {
			this.heard = this.ticked = Date.now();
			this.say({ type: "hello", version: 1, features: ["text", "files"], name });
			this.ticking = setInterval(() => this.tick(), PING_MS);
		});
		peer.addEventListener("datachannel", ({ channel }) => {
			channel.binaryType = "arraybuffer"; // now: its first messages must not come as Blobs
			const waiting = [];
			channel.onmessage = (event) => waiting.push(event);
			this.deliver(() => this.stream(channel, waiting));
		});
		peer.addEventListener("connectionstatechange", () => {
			if (peer.connectionState === "failed") this.deliver(() => this.lost("peer_vanished", true));
		});
	}

	/** From now on everything goes to `on`. */
	listen(on) {
		this.on = on;
		for (const event of this.early.splice(0)) event();
	}

	deliver(event) {
		if (this.on) event();
		else this.early.push(event);
	}

	say(message) {
		if (this.control.readyState === "open") this.control.send(JSON.stringify(message));
	}

	/** A list in as many messages as it takes: all but the last say that there is more, the last has `last` with it. */
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
		const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes); // half a pair, as text has it, is no UTF-8
		whole.match(TEXT_PIECES).forEach((piece, index, { length }) => this.say({ type: "text", text: piece, ...(index < length - 1 && { more: true }) }));
		return true;
	}

	openStream(label) {
		const channel = this.peer.createDataChannel(label);
		channel.binaryType = "arraybuffer";
		return channel;
	}

	/**
	 * The largest message that both sides take: 64 KiB, or less where a browser says so (RFC 8841, 6.1). The 16 KiB of old
	 * advice were for Firefox before 57 (blog.mozilla.org/webrtc/large-data-channel-messages); maxMessageSize is missing
	 * before Firefox 113 and Safari 15.4. Blobs are not sent: Chromium takes them from 129 on only.
	 */
	get messageBytes() {
		return Math.min(65_536, this.peer.sctp?.maxMessageSize || 65_536);
	}

	/** Leave for good. */
	close(reason = "disconnected") {
		if (this.over) return;
		this.say({ type: "bye", reason });
		this.stop();
		setTimeout(() => this.peer.close(), FAREWELL_MS);
	}

	/** Let go of it without a word. */
	drop() {
		this.stop();
		this.peer.close();
	}

	stop() {
		this.over = true;
		this.early = [];
		clearInterval(this.ticking);
	}

	lost(reason, mayResume) {
		if (this.over) return;
		this.drop();
		this.on.closed(reason, mayResume);
	}

	/** The other side breaks the rules. */
	refuse() {
		this.say({ type: "bye", reason: "peer_error" });
		this.lost("peer_error", false);
	}

	tick() {
		const now = Date.now();
		const slept = now - this.ticked;
		this.ticked = now;
		if (slept > ASLEEP_MS && slept <= DEAD_MS) this.heard = now;
		if (slept > DEAD_MS || (this.features.length && now - this.heard >= SILENCE_MS)) this.lost("peer_vanished", true);
		else this.say({ type: "ping" });
	}

	message(data) {
		if (this.over) return;
		this.heard = Date.now();
		const message = parse(data);
		const { type } = message;
		if (type === "hello") {
			this.features = Array.isArray(message.features) && message.features.length ? message.features : ["text"];
			this.peerName = String(message.name ?? "");
			this.on.greeted();
		} else if (type === "text") {
			this.piece(String(message.text ?? ""), message.more === true);
		} else if (type === "bye") {
			this.lost(BYE_REASONS.includes(message.reason) ? message.reason : "peer_left", false);
		} else if (FILES.includes(type)) {
			if (!this.on.file(message)) this.notUnderstood("bad_message");
		} else if (type !== "ping" && type !== "unsupported") {
			this.notUnderstood(type ?? "bad_json");
		}
	}

	notUnderstood(what) {
		if (++this.strange > MAX_STRANGE) this.refuse();
		else this.say({ type: "unsupported", what: String(what).slice(0, 64) });
	}

	stream(channel, waiting) {
		if (this.on.stream(channel, waiting)) return;
		channel.onmessage = null;
		this.say({ type: "unsupported", what: "channel" });
	}

	piece(text, more) {
		this.text += text;
		this.textBytes += utf8(text).length;
		if (this.textBytes > MAX_TEXT_BYTES) return this.refuse();
		if (more) return undefined;
		const whole = this.text;
		this.text = "";
		this.textBytes = 0;
		return this.on.text(whole);
	}
}
