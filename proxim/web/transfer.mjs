// What outgoing and incoming transfers have in common: state, progress, speed and end.

// A record begins with its kind, u32 file and u32 length (docs/protocol.md, Files). These are the kinds.
export const [START, DATA, END, FAILED] = [1, 2, 3, 4];
export const HEADER = 9;
const MARK_MS = 1_000;
// The speed is measured over this many marks.
const MARKS = 4;

/** `state`: announced or ready if outgoing, arriving or asked if incoming; active, waiting or an end (`over`) for both. */
export class Transfer {
	accepted = false;
	size = 0;
	moved = 0;
	// Each is {path, size, modified, directory}.
	entries = [];
	// Each is {file, reason}.
	failed = [];
	// Each is {name, blob}.
	saved = [];

	constructor(id, owner) {
		Object.assign(this, { id, owner });
	}

	restored(record) {
		return Object.assign(this, record, { state: "waiting", accepted: true });
	}

	keep() {
		const { outgoing, entries, size, failed, finishedFiles } = this;
		this.owner.kept.put({ outgoing, entries, size, failed, finishedFiles }, this.id);
	}

	get over() {
		return ["done", "cancelled", "failed"].includes(this.state);
	}

	/** The speed in bytes per second. */
	get speed() {
		const [then] = this.marks;
		return ((this.moved - then.moved) * 1000) / (performance.now() - then.when);
	}

	become(state) {
		this.state = state;
		this.marks = [];
		this.progressed();
	}

	progressed() {
		const now = { when: performance.now(), moved: this.moved };
		if (now.when - (this.marks.at(-1)?.when ?? -Infinity) > MARK_MS) this.marks = [...this.marks, now].slice(-MARKS);
		this.owner.changed(this);
	}

	send(type, fields) {
		this.owner.link?.send({ type, transferID: this.id, ...fields });
	}

	sendList(type, field, list, last) {
		this.owner.link?.sendList({ type, transferID: this.id }, field, list, last);
	}

	end(wanted) {
		if (!this.failed.length) this.finish("done");
		else this.finish("failed", this.failed.length < wanted ? "some_files_failed" : String(this.failed[0].reason));
	}

	cancel(reason = "cancelled", state = "cancelled") {
		this.unacknowledged = !this.owner.link;
		this.send("cancel", { reason });
		this.finish(state, reason);
	}

	/** Handle a message; return false if it makes no sense now. */
	message({ type, reason }) {
		const kind = ["declined", "cancelled", undefined].includes(reason) ? "cancelled" : "failed";
		if (type === "cancel") this.finish(kind, String(reason ?? "cancelled"));
		return true;
	}

	finish(state, reason = null) {
		this.stop();
		this.reason = reason;
		this.owner.kept.forget(this.id);
		this.become(state);
	}
}
