// One transfer that this page sends.

import { toBase64url } from "./ask.mjs";
import { Sha256, u32, u64, utf8 } from "./crypto.mjs";
import { DATA, END, FAILED, HEADER, START, Transfer } from "./transfer.mjs";

const MAX_PATH_BYTES = 1024;
// This many bytes of a file are read at once.
const READ_BYTES = 1024 * 1024;
const WINDOW_BYTES = 16 * 1024 * 1024;
// This many bytes may be queued in the browser; more would delay the heartbeat.
const QUEUE_BYTES = 1024 * 1024;
// A browser may accept less (RFC 8841, 6.1). 16 KiB was for old Firefox
// (blog.mozilla.org/webrtc/large-data-channel-messages).
const MESSAGE_BYTES = 64 * 1024;

// The encoder replaces half a surrogate pair, which is no UTF-8. The protocol has no times before 1970.
const entryOf = ({ file, path }) => ({ path: new TextDecoder().decode(utf8(path)), size: file.size, modified: Math.max(0, Math.floor(file.lastModified / 1000)) });
const sum = (sizes) => sizes.reduce((total, one) => total + one, 0);

export class Outgoing extends Transfer {
	outgoing = true;
	state = "announced";
	// This is true once the receiver has asked to resume over the current link.
	wanted = false;
	run = null;

	/** `files` is [{file, path}], or undefined after the page was loaded again. */
	constructor(id, owner, files) {
		super(id, owner);
		this.files = files;
		this.entries = files?.map(entryOf) ?? [];
		this.size = sum(this.entries.map((one) => one.size));
	}

	supply(files) {
		const chosen = new Map(files.map((one) => [JSON.stringify(entryOf(one)), one]));
		const found = this.entries.map((one) => chosen.get(JSON.stringify(one)));
		if (this.files || this.over || !found.every(Boolean)) return false;
		this.files = found;
		if (this.wanted) this.announce();
		this.owner.changed(this);
		return true;
	}

	resume() {
		this.wanted = this.state === "waiting";
		if (this.wanted && this.files) this.announce();
		else if (this.unacknowledged) this.send("cancel", { reason: this.reason });
	}

	announce() {
		this.stop();
		if (this.entries.some(({ path }) => utf8(path).length > MAX_PATH_BYTES)) return this.finish("failed", "name_refused");
		this.failed = [];
		this.skip = new Set();
		this.partial = new Map();
		this.sendList("announce", "files", this.entries);
		return this.become("announced");
	}

	message(message) {
		const { type, written, failed, more } = message;
		if (type === "accept") return this.state === "announced" && this.onAccept(message);
		if (type === "progress" && this.run) {
			this.run.acked = Math.min(written, this.run.sent);
			this.run.wake();
			this.moved = Math.min(this.size, this.before + this.run.acked);
			this.progressed();
		} else if (type === "finished") {
			this.failed.push(...(failed ?? []));
			if (more !== true) this.end(this.entries.length - this.skip.size);
		}
		return super.message(message);
	}

	onAccept({ skip = [], partial = [], more }) {
		for (const [first, count] of skip) {
			if (!(first >= 0 && first + count <= this.entries.length)) return false;
			for (let index = first; index < first + count; index++) this.skip.add(index);
		}
		for (const one of partial) {
			if (!(one.offset >= 0 && one.offset <= this.entries[one.file]?.size)) return false;
			this.partial.set(one.file, one);
		}
		if (more === true) return true;
		const wanted = sum(this.entries.map(({ size }, index) => (this.skip.has(index) ? 0 : size)));
		const there = sum(partial.map((one) => one.offset));
		if (!this.accepted) this.size = wanted;
		this.accepted = true;
		this.keep();
		this.moved = this.before = Math.max(0, this.size - wanted + there);
		this.become("ready");
		this.owner.giveTurns();
		return true;
	}

	start() {
		this.become("active");
		const run = (this.run = new Run(this.owner.link, `files/${this.id}/0`));
		this.stream(run).catch(() => run.stopped || this.cancel("transfer_failed", "failed"));
	}

	stop() {
		this.run?.stop();
		this.run = null;
	}

	linkDown() {
		this.stop();
		this.wanted = false;
		if (!this.over) this.become(this.accepted ? "waiting" : "announced");
	}

	finish(state, reason) {
		if (state === "done") {
			this.moved = this.size;
			// The browser may now free the files.
			this.files = [];
		}
		super.finish(state, reason);
		this.owner.giveTurns();
	}

	async stream(run) {
		await run.until(() => run.channel.readyState === "open");
		for (const [index, { file }] of this.files.entries()) if (!this.skip.has(index)) await this.sendFile(run, index, file);
		await run.flush();
	}

	async sendFile(run, index, file) {
		const known = this.partial.get(index);
		let hash = new Sha256();
		let offset = known?.offset ?? 0;
		try {
			for await (const bytes of read(file, 0, offset)) {
				hash.update(bytes);
				run.check();
			}
			if (known && toBase64url(hash.digest()) !== known.sha256) {
				hash = new Sha256();
				offset = 0;
			}
			if (known) await run.record(START, index, u64(offset));
			for await (const bytes of read(file, offset, this.entries[index].size)) {
				hash.update(bytes);
				await run.record(DATA, index, bytes);
			}
			await run.record(END, index, hash.digest());
		} catch (error) {
			if (!(error instanceof DOMException) || run.stopped) throw error;
			// By the W3C File API, 7, the file is gone or has changed since it was chosen.
			await run.record(FAILED, index, utf8(error.name === "NotFoundError" ? "file_gone" : "file_changed"));
		}
	}
}

async function* read(file, from, to) {
	for (let at = from; at < to; at += READ_BYTES) {
		const bytes = new Uint8Array(await file.slice(at, Math.min(at + READ_BYTES, to)).arrayBuffer());
		if (bytes.length < Math.min(READ_BYTES, to - at)) throw new DOMException("shorter", "NotReadableError");
		yield bytes;
	}
}

class Run {
	// These count the bytes in the next message: all, and those of DATA records.
	filled = 0;
	filledData = 0;
	// These count only the bytes of DATA records.
	sent = 0;
	acked = 0;
	stopped = false;
	wake() {}

	constructor(link, label) {
		this.channel = link.peer.createDataChannel(label);
		this.channel.bufferedAmountLowThreshold = QUEUE_BYTES / 2;
		// This is no Blob, as Chromium refused to send Blobs for years (feross/simple-peer#218).
		this.buffer = new Uint8Array(Math.min(MESSAGE_BYTES, link.peer.sctp?.maxMessageSize || MESSAGE_BYTES));
		for (const event of ["open", "close", "bufferedamountlow"]) this.channel.addEventListener(event, () => this.wake());
	}

	stop() {
		this.stopped = true;
		this.channel.close();
		this.wake();
	}

	check() {
		if (this.stopped || ["closing", "closed"].includes(this.channel.readyState)) throw new Error("stopped");
	}

	async until(ready) {
		for (this.check(); !ready(); this.check()) await new Promise((resolve) => (this.wake = resolve));
	}

	async flush() {
		if (!this.filled) return;
		await this.until(() => this.channel.bufferedAmount < QUEUE_BYTES && this.sent + this.filledData - this.acked <= WINDOW_BYTES);
		// The browser copies the bytes, so the buffer can be filled again.
		this.channel.send(this.buffer.subarray(0, this.filled));
		this.sent += this.filledData;
		this.filled = this.filledData = 0;
	}

	async record(kind, index, bytes) {
		let rest = bytes;
		do {
			if (this.buffer.length - this.filled < HEADER + (kind === DATA ? 1 : rest.length)) await this.flush();
			this.check();
			const part = rest.subarray(0, this.buffer.length - this.filled - HEADER);
			this.buffer.set([kind, ...u32(index), ...u32(part.length)], this.filled);
			this.buffer.set(part, this.filled + HEADER);
			this.filled += HEADER + part.length;
			if (kind === DATA) this.filledData += part.length;
			rest = rest.subarray(part.length);
		} while (rest.length);
	}
}
