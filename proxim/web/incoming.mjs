// One transfer that this page receives: asked about, accepted, read from its records, verified, saved.
// Must never be here: which transfer is meant (transfers.mjs), how bytes are kept and saved (saving.mjs), how it looks.

import { toBase64url } from "./ask.mjs";
import { same, utf8 } from "./hash.mjs";
import { Growing, leafName } from "./saving.mjs";
import { DATA, END, FAILED, HEADER, START, Transfer } from "./transfer.mjs";

const MAX_ENTRIES = 20_000;
const MAX_PATH_BYTES = 1024;
const MAX_SIZE = 2 ** 50;
const REPORT_BYTES = 1024 * 1024; // the sender's window is 16 MiB
const REPORT_MS = 100;
const UNHEARD_MS = 10_000; // what was said so shortly before a link was lost may not have been heard
const REASONS = ["file_changed", "file_gone", "file_unreadable", "file_damaged"];

/** The announced list as we take it, or null where it is none. */
export function readEntries(files) {
	if (!Array.isArray(files) || files.length > MAX_ENTRIES) return null;
	const entries = files.map((one) => {
		const directory = one?.directory === true;
		return { path: one?.path, size: directory ? 0 : one?.size, directory, modified: one?.modified ?? null };
	});
	const good = ({ path, size }) =>
		typeof path === "string" && path && utf8(path).length <= MAX_PATH_BYTES && Number.isInteger(size) && size >= 0 && size <= MAX_SIZE;
	return entries.every(good) ? entries : null;
}

/** Its states: arriving, asked, active, waiting, done, cancelled or failed. */
export class Incoming extends Transfer {
	constructor(id, owner) {
		super(id, owner);
		this.state = "waiting";
		this.done = new Set(); // files that are through, well or not
		this.file = null; // the one that is coming: {index, growing, channel}
		this.channel = null;
		this.unheard = false;
	}

	static restored({ id, entries, size, failed, done, part }, owner) {
		const one = Object.assign(new Incoming(id, owner), { entries, size, failed, accepted: true, done: new Set(done) });
		for (const index of one.done) one.moved += entries[index].size;
		if (part && !one.done.has(part.index)) one.begin(part.index, part.blobs, part.hash);
		return one;
	}

	announced(entries, more) {
		if (this.state !== "arriving") {
			this.list = [];
			this.known = this.accepted && (this.state === "waiting" || this.state === "done");
			this.whole = this.state === "done";
			this.state = "arriving";
		}
		this.list.push(...entries);
		if (this.list.length > MAX_ENTRIES) this.cancel("too_many_files", "failed");
		else if (!more) this.listed();
	}

	/** Its list is complete: it is one that we have, or a person is asked. */
	listed() {
		const { list } = this;
		this.list = null;
		if (this.known && JSON.stringify(list) === JSON.stringify(this.entries)) {
			if (this.whole) this.sayAgain();
			else this.open();
			return;
		}
		this.drop();
		Object.assign(this, { entries: list, accepted: false, saved: [], moved: 0, done: new Set(), failed: [] });
		this.size = list.reduce((sum, one) => sum + one.size, 0);
		this.become("asked");
	}

	/** The person wants it. */
	accept() {
		if (this.state !== "asked") return;
		this.accepted = true;
		this.keep();
		this.open();
	}

	decline() {
		if (this.state === "asked") this.cancel("declined");
	}

	/** Say what is wanted, or still missing; the stream follows. */
	open() {
		this.channel = null;
		this.written = this.reported = this.reportedAt = 0;
		const partial = this.file ? [{ file: this.file.index, offset: this.file.growing.bytes, sha256: toBase64url(this.file.growing.hash.digest()) }] : [];
		this.sayList("accept", "skip", spans([...this.done].sort((one, other) => one - other)), { partial });
		this.become("active");
		this.lookForEnd();
	}

	/** It was whole before the link was lost, and the sender did not hear that. */
	sayAgain() {
		this.unheard = false;
		this.say("accept", { skip: [[0, this.entries.length]] });
		this.sayList("finished", "failed", []);
		this.become("done");
	}

	/** Take a stream; false where none is expected. */
	stream(channel, generation, waiting) {
		if (this.state !== "active" || this.channel || generation !== 0) return false;
		this.channel = channel;
		const take = ({ data }) => this.channel === channel && this.records(data);
		channel.onmessage = take;
		waiting.forEach(take);
		return true;
	}

	/** The other side's `cancel`; it says nothing else of what it sends. */
	message(message) {
		this.unheard = false;
		if (message.type === "cancel") this.cancelled(message);
	}

	linkDown() {
		this.channel = null;
		if (this.state === "done") this.unheard ||= Date.now() - this.endedAt < UNHEARD_MS;
		if (this.over) return;
		if (this.accepted) this.become("waiting");
		else this.finish("cancelled", "peer_left");
	}

	// --- records -----------------------------------------------------------------------------------------------------

	records(data) {
		try {
			const view = new DataView(data);
			for (let at = 0; at < data.byteLength; ) {
				const [kind, index, length] = [view.getUint8(at), view.getUint32(at + 1), view.getUint32(at + 5)];
				this.record(kind, index, new Uint8Array(data, at + HEADER, length));
				at += HEADER + length;
			}
		} catch (error) {
			if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
			this.cancel("transfer_failed", "failed"); // no records, or not those of the files that we accepted
			return;
		}
		this.note();
		if (this.written - this.reported >= REPORT_BYTES || Date.now() - this.reportedAt >= REPORT_MS) this.report();
		this.lookForEnd();
	}

	report() {
		if (this.written === this.reported) return;
		this.reported = this.written;
		this.reportedAt = Date.now();
		this.say("progress", { generation: 0, written: this.written });
		this.owner.changed(this);
	}

	record(kind, index, payload) {
		const entry = this.entries[index];
		if (!entry || entry.directory || this.done.has(index)) throw new RangeError("another file");
		const offset = kind === START ? Number(new DataView(payload.buffer, payload.byteOffset, 8).getBigUint64(0)) : 0;
		// What we have of a file counts where START says so: else the sender has another, or begins anew.
		const anew = offset === 0 && (kind === START || this.file?.channel !== this.channel);
		if (anew || this.file?.index !== index) this.begin(index);
		const { growing } = this.file;
		this.file.channel = this.channel;
		if (kind === START) {
			if (offset !== growing.bytes) throw new RangeError("another beginning");
		} else if (kind === DATA) {
			if (growing.bytes + payload.length > entry.size) throw new RangeError("more than announced");
			growing.append(payload);
			this.written += payload.length;
			this.moved += payload.length;
		} else if (kind === END) {
			const whole = growing.bytes === entry.size && same(payload, growing.hash.digest());
			this.through(index, whole ? null : "file_damaged");
		} else if (kind === FAILED) {
			this.through(index, String.fromCharCode(...payload));
		} else throw new RangeError("no such record");
	}

	/** A file begins, or goes on with what there is of it. */
	begin(index, blobs, hash) {
		this.drop();
		const growing = new Growing((number, blob, so) => this.owner.kept.part(this.id, index, number, blob, so), blobs, hash);
		this.file = { index, growing, channel: null };
		this.moved += growing.bytes;
	}

	/** Let go of the one that is coming. */
	drop() {
		if (!this.file) return;
		this.moved -= this.file.growing.bytes;
		this.owner.kept.forgetParts(this.id, this.file.index);
		this.file = null;
	}

	/** The file that was coming is through: whole, or failed for a reason. */
	through(index, reason) {
		this.done.add(index);
		if (reason) this.failed.push({ file: index, reason: REASONS.includes(reason) ? reason : "transfer_failed" });
		else {
			const { path, size } = this.entries[index];
			this.saved.push({ name: leafName(path), url: this.file.growing.url() });
			this.moved += size; // dropping what has come takes it off
		}
		this.drop();
		this.keep();
	}

	keep() {
		const { entries, size, failed, done } = this;
		this.owner.kept.save(this.id, { entries, size, failed, done: [...done] });
	}

	lookForEnd() {
		const wanted = this.entries.filter((one) => !one.directory).length;
		if (this.state !== "active" || this.done.size < wanted) return;
		this.report();
		this.sayList("finished", "failed", this.failed);
		this.end(wanted);
	}

	stop() {
		this.channel = null;
		this.endedAt = Date.now();
		this.file = null;
	}
}

/** [[first, count]] of ascending numbers. */
function spans(indices) {
	const found = [];
	for (const index of indices) {
		const last = found.at(-1);
		if (last && last[0] + last[1] === index) last[1] += 1;
		else found.push([index, 1]);
	}
	return found;
}
