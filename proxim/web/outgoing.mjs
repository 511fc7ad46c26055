// One transfer that this page sends: announced, accepted, streamed in records, acknowledged, finished.
// Must never be here: who may move at once (transfers.mjs), how it looks.

import { Sha256, fromBase64url, same, u32, u64, utf8 } from "./hash.mjs";
import { DATA, END, FAILED, HEADER, START, Transfer } from "./transfer.mjs";

const READ_BYTES = 1024 * 1024; // at once from a file: few turns of the loop, little memory
const WINDOW_BYTES = 16 * 1024 * 1024;
// What may wait in the browser: enough to fill the wire between two turns. Chromium closes a channel at 16 MiB
// (third_party/blink/renderer/modules/peerconnection/rtc_data_channel.cc); a large queue also delays the heartbeat.
const QUEUE_BYTES = 1024 * 1024;
const LEAST_DATA = 1024; // less is not worth a record of its own: the message goes first

const seconds = (file) => Math.floor(file.lastModified / 1000);

/** Its states: announced, ready, active, waiting, done, cancelled or failed. */
export class Outgoing extends Transfer {
	constructor(id, owner, files) {
		super(id, owner);
		this.files = files; // [{file, path}]; null after the page was loaded again: the browser has let go of them
		this.entries = (files ?? []).map(({ file, path }) => ({ path, size: file.size, modified: seconds(file) }));
		this.size = this.entries.reduce((sum, one) => sum + one.size, 0);
		this.state = "announced";
		this.wanted = false; // the receiver has a part of it and is there again
		this.run = null;
		this.renew();
	}

	get outgoing() {
		return true;
	}

	/** What a new acceptance begins with. */
	renew() {
		this.failed = [];
		this.skip = new Set();
		this.partial = new Map();
		this.generation = 0;
		this.position = { file: 0, offset: 0 };
	}

	static restored({ id, entries, size }, owner) {
		return Object.assign(new Outgoing(id, owner, null), { entries, size, state: "waiting", accepted: true });
	}

	get missing() {
		return this.files === null;
	}

	/** Take its files again, if all of them are there. */
	supply(files) {
		if (!this.missing) return false;
		const found = this.entries.map(({ path, size, modified }) =>
			files.find((one) => one.path === path && one.file.size === size && seconds(one.file) === modified),
		);
		if (!found.every(Boolean)) return false;
		this.files = found;
		if (this.wanted) this.announce();
		this.owner.changed(this);
		return true;
	}

	resume() {
		this.wanted = !this.over;
		if (this.wanted && !this.missing) this.announce();
		else if (this.endedHere) this.say("cancel", { reason: this.reason });
	}

	announce() {
		this.stop();
		this.renew();
		this.sayList("announce", "files", this.entries);
		this.become("announced");
	}

	/** False where it makes no sense. */
	message(message) {
		const { type, generation, written, failed, more } = message;
		if (type === "accept") return this.state === "announced" && this.take(message);
		if (type === "continue") return this.goOn(message);
		if (type === "progress" && this.run && generation === this.generation) this.acknowledge(written);
		if (type === "finished") {
			this.failed.push(...(Array.isArray(failed) ? failed : []));
			if (more !== true) this.end(this.entries.length - this.skip.size);
		}
		return type !== "cancel" || this.cancelled(message);
	}

	take({ skip = [], partial = [], more }) {
		for (const [first, count] of skip) {
			if (!(first >= 0 && count >= 0 && first + count <= this.entries.length)) return false;
			for (let index = first; index < first + count; index++) this.skip.add(index);
		}
		for (const { file, offset, sha256 } of partial) {
			const digest = fromBase64url(sha256, 32);
			if (!digest || !(offset >= 0 && offset <= this.entries[file]?.size)) return false;
			this.partial.set(file, { offset, digest });
		}
		if (more === true) return true;
		if (!this.accepted) this.size = this.left(new Map()); // without what was declined
		this.accepted = true;
		this.owner.kept.save(this.id, { outgoing: true, entries: this.entries, size: this.size });
		this.moved = this.before = Math.max(0, this.size - this.left());
		this.become("ready");
		this.owner.giveTurns();
		return true;
	}

	/** Bytes that are still to come from our position on, where so much of the files is there. */
	left(partial = this.partial) {
		const { file, offset } = this.position;
		return this.entries.reduce((sum, { size }, index) => {
			if (index < file || this.skip.has(index)) return sum;
			return sum + size - Math.max(index === file ? offset : 0, partial.get(index)?.offset ?? 0);
		}, 0);
	}

	goOn({ generation, file, offset }) {
		if (generation !== this.generation + 1 || !(file >= 0 && file <= this.entries.length && offset >= 0)) return false;
		const moving = this.run !== null;
		this.stop();
		this.generation = generation;
		this.position = { file, offset };
		this.before = Math.max(0, this.size - this.left());
		if (moving) this.start();
		return true;
	}

	acknowledge(written) {
		this.run.acknowledged = Math.max(this.run.acknowledged, Math.min(written, this.run.sent));
		this.run.wake();
		this.moved = Math.max(this.moved, Math.min(this.size, this.before + this.run.acknowledged));
		this.note();
		this.owner.changed(this);
	}

	start() {
		this.become("active");
		this.note();
		const run = new Run(this.owner.link, `files/${this.id}/${this.generation}`);
		this.run = run;
		this.stream(run).catch((error) => {
			if (run.stopped) return; // whoever stopped it knows why
			console.warn("sending broke off", error.name);
			this.cancel("transfer_failed", "failed");
		});
	}

	stop() {
		this.run?.stop();
		this.run = null;
	}

	cancel(reason, state) {
		this.endedHere = true;
		super.cancel(reason, state);
	}

	linkDown() {
		this.stop();
		this.wanted = false;
		if (!this.over) this.become(this.accepted ? "waiting" : "announced");
	}

	finish(state, reason) {
		if (state === "done") {
			this.moved = this.size;
			this.files = []; // the browser may let go of them
		}
		super.finish(state, reason);
		this.owner.giveTurns();
	}

	// --- records -----------------------------------------------------------------------------------------------------

	async stream(run) {
		await run.until(() => run.channel.readyState === "open");
		const { file, offset } = this.position;
		for (let index = file; index < this.entries.length; index++) {
			if (!this.skip.has(index)) await this.sendFile(run, index, index === file ? offset : 0);
		}
		await run.flush();
	}

	async sendFile(run, index, at) {
		const { file } = this.files[index];
		const { size } = this.entries[index];
		const known = at ? { offset: at } : this.partial.get(index);
		let hash = new Sha256();
		let offset = known?.offset ?? 0;
		try {
			for await (const bytes of read(file, 0, offset)) {
				hash.update(bytes);
				run.check();
			}
			if (known?.digest && !same(hash.digest(), known.digest)) {
				hash = new Sha256();
				offset = 0;
			}
			if (known) await run.record(START, index, u64(offset));
			for await (const bytes of read(file, offset, size)) {
				hash.update(bytes);
				await run.record(DATA, index, bytes);
			}
			await run.record(END, index, hash.digest());
		} catch (error) {
			if (!(error instanceof DOMException) || run.stopped) throw error;
			// The File API's names for a file that went away, or changed, since it was chosen (W3C File API, 7).
			await run.record(FAILED, index, utf8(error.name === "NotFoundError" ? "file_gone" : "file_unreadable"));
		}
	}
}

/** A file's bytes in order, the next piece being read while one is worked on. */
async function* read(file, from, to) {
	const piece = (at) => (at < to ? file.slice(at, Math.min(at + READ_BYTES, to)).arrayBuffer() : null);
	let next = piece(from);
	for (let at = from; at < to; at += READ_BYTES) {
		const bytes = new Uint8Array(await next);
		if (bytes.length !== Math.min(READ_BYTES, to - at)) throw new DOMException("shorter", "NotReadableError");
		next = piece(at + READ_BYTES);
		next?.catch(() => undefined); // it is awaited above, unless nobody wants it any more
		yield bytes;
	}
}

/** One stream on its channel: fills messages, and waits where the window or the browser's queue is full. */
class Run {
	constructor(link, label) {
		this.channel = link.openStream(label);
		this.channel.bufferedAmountLowThreshold = QUEUE_BYTES / 2;
		this.buffer = new Uint8Array(link.messageBytes);
		this.filled = this.filledData = 0; // of the next message: all of it, and of it DATA
		this.sent = this.acknowledged = 0; // DATA alone
		this.stopped = false;
		this.wake = () => undefined;
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

	get mayGo() {
		const unheard = this.sent - this.acknowledged;
		return this.channel.bufferedAmount < QUEUE_BYTES && (unheard <= 0 || unheard + this.filledData <= WINDOW_BYTES);
	}

	async flush() {
		if (!this.filled) return;
		await this.until(() => this.mayGo);
		this.channel.send(this.buffer.subarray(0, this.filled)); // copied by the browser: the buffer is ours again
		this.sent += this.filledData;
		this.filled = this.filledData = 0;
	}

	/** Put it into the next message; what has no room there, into those that follow. Only DATA is so long that it is cut. */
	async record(kind, index, bytes) {
		let rest = bytes;
		do {
			if (this.buffer.length - this.filled < HEADER + Math.min(rest.length, LEAST_DATA)) await this.flush();
			this.check();
			const part = rest.subarray(0, this.buffer.length - this.filled - HEADER);
			this.buffer[this.filled] = kind;
			this.buffer.set(u32(index), this.filled + 1);
			this.buffer.set(u32(part.length), this.filled + 5);
			this.buffer.set(part, this.filled + HEADER);
			this.filled += HEADER + part.length;
			if (kind === DATA) this.filledData += part.length;
			rest = rest.subarray(part.length);
		} while (rest.length);
	}
}
