// One transfer that this page receives.

import { toBase64url } from "./ask.mjs";
import { same, utf8 } from "./crypto.mjs";
import { IncomingFile, leafName } from "./saving.mjs";
import { DATA, END, FAILED, HEADER, START, Transfer } from "./transfer.mjs";

const MAX_ENTRIES = 20_000;
const REPORT_BYTES = 1024 * 1024;
const REPORT_MS = 100;

const assertThat = (fact) => {
	if (!fact) throw new RangeError("not what was accepted");
};

export class Incoming extends Transfer {
	state = "waiting";
	// These files have arrived or failed.
	finishedFiles = new Set();
	// This is the file that is arriving: {index, growing, channel}.
	file = null;
	channel = null;

	restored({ part, ...record }) {
		super.restored(record);
		for (const index of this.finishedFiles) this.moved += this.entries[index].size;
		if (part && !this.finishedFiles.has(part.index)) this.begin(part.index, part.blobs, part.hash);
		return this;
	}

	announced({ files, more }) {
		const sound = (one) => typeof one?.path === "string" && (one.directory || (Number.isSafeInteger(one.size) && one.size >= 0));
		if (["asked", "active"].includes(this.state) || !Array.isArray(files) || !files.every(sound)) return false;
		if (this.state !== "arriving") Object.assign(this, { before: this.state, state: "arriving", list: [] });
		this.list.push(...files.map(({ path, size, modified, directory }) => ({ path, size: directory ? 0 : size, modified, directory })));
		if (this.list.length > MAX_ENTRIES) this.cancel("too_many_files", "failed");
		else if (more !== true) this.listed(this.list);
		return true;
	}

	/** Ask the person, or go on without asking with a list that was accepted before. */
	listed(list) {
		const known = this.accepted && ["waiting", "done"].includes(this.before);
		if (known && JSON.stringify(list) === JSON.stringify(this.entries)) return this.open();
		this.drop();
		Object.assign(this, { entries: list, accepted: false, saved: [], moved: 0, finishedFiles: new Set(), failed: [] });
		this.size = list.reduce((sum, one) => sum + one.size, 0);
		return this.become("asked");
	}

	accept() {
		if (this.state !== "asked") return;
		this.accepted = true;
		this.keep();
		this.open();
	}

	decline() {
		if (this.state === "asked") this.cancel("declined");
	}

	open() {
		this.channel = null;
		this.written = this.reported = this.reportedAt = 0;
		const { index, growing } = this.file ?? {};
		const partial = growing ? [{ file: index, offset: growing.bytes, sha256: toBase64url(growing.hash.digest()) }] : [];
		this.sendList("accept", "skip", Array.from(this.finishedFiles, (index) => [index, 1]), { partial });
		this.become("active");
		this.lookForEnd();
	}

	stream(channel) {
		if (this.state !== "active" || this.channel) return false;
		this.channel = channel;
		channel.onmessage = ({ data }) => this.channel === channel && this.records(data);
		return true;
	}

	linkDown() {
		this.channel = null;
		if (this.over) return;
		if (this.accepted) this.become("waiting");
		else this.finish("cancelled", "peer_left");
	}

	records(data) {
		const before = this.finishedFiles.size;
		try {
			const view = new DataView(data);
			for (let at = 0; at < data.byteLength; ) {
				const [kind, index, length] = [view.getUint8(at), view.getUint32(at + 1), view.getUint32(at + 5)];
				this.record(kind, index, new Uint8Array(data, at + HEADER, length));
				at += HEADER + length;
				this.owner.link?.working();
			}
		} catch (error) {
			if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
			return this.cancel("transfer_failed", "failed");
		}
		if (this.written - this.reported >= REPORT_BYTES || Date.now() - this.reportedAt >= REPORT_MS) this.report();
		if (this.finishedFiles.size > before) this.keep();
		return this.lookForEnd();
	}

	report() {
		if (this.written === this.reported) return;
		this.reported = this.written;
		this.reportedAt = Date.now();
		this.send("progress", { generation: 0, written: this.written });
		this.progressed();
	}

	record(kind, index, payload) {
		const entry = this.entries[index];
		assertThat(entry && !entry.directory && !this.finishedFiles.has(index));
		const offset = kind === START ? Number(new DataView(payload.buffer, payload.byteOffset, 8).getBigUint64(0)) : 0;
		// Bytes of a file from before count only if START continues after them.
		const anew = offset === 0 && (kind === START || this.file?.channel !== this.channel);
		if (anew || this.file?.index !== index) this.begin(index);
		const { growing } = this.file;
		this.file.channel = this.channel;
		if (kind === START) assertThat(offset === growing.bytes);
		else if (kind === DATA) {
			assertThat(growing.bytes + payload.length <= entry.size);
			growing.append(payload);
			this.written += payload.length;
			this.moved += payload.length;
		} else if (kind === END) {
			const blob = growing.blob();
			// The browser may have lost a piece.
			const whole = blob.size === entry.size && same(payload, growing.hash.digest());
			this.endFile(index, whole ? null : "file_damaged", blob);
		} else {
			assertThat(kind === FAILED);
			this.endFile(index, String.fromCharCode(...payload));
		}
	}

	begin(index, blobs, hash) {
		this.drop();
		const growing = new IncomingFile((piece, number) => this.owner.kept.put(piece, this.id, index, number), blobs, hash);
		this.file = { index, growing, channel: null };
		this.moved += growing.bytes;
	}

	drop() {
		if (!this.file) return;
		this.moved -= this.file.growing.bytes;
		if (this.file.growing.blobs.length) this.owner.kept.forget(this.id, this.file.index);
		this.file = null;
	}

	endFile(index, reason, blob) {
		this.finishedFiles.add(index);
		if (reason) this.failed.push({ file: index, reason });
		else {
			this.saved.push({ name: leafName(this.entries[index].path), blob });
			// The call of drop() subtracts what has arrived of the file.
			this.moved += this.entries[index].size;
		}
		this.drop();
	}

	lookForEnd() {
		const wanted = this.entries.filter((one) => !one.directory).length;
		if (this.state !== "active" || this.finishedFiles.size < wanted) return;
		this.report();
		this.sendList("finished", "failed", this.failed);
		this.end(wanted);
	}

	stop() {
		this.channel = this.file = null;
	}
}
