// What a transfer is, whichever way it goes: what it consists of, how far it is and how fast, how it ends.
// Must never be here: how its bytes travel (outgoing.mjs, incoming.mjs), whose turn it is (transfers.mjs).

const RATE_MS = 4_000; // what a speed is taken from
const LEAST_RATE_MS = 300;

// A record (docs/protocol.md, Files): its kind, u32 which file, u32 length.
export const [START, DATA, END, FAILED] = [1, 2, 3, 4];
export const HEADER = 9;

/** `state`: arriving, asked, announced, ready, active, waiting, done, cancelled or failed. */
export class Transfer {
	constructor(id, owner) {
		this.id = id;
		this.owner = owner;
		this.entries = []; // {path, size, modified, directory}
		this.size = this.moved = 0;
		this.accepted = false;
		this.failed = []; // {file, reason}
		this.reason = null;
		this.saved = []; // {name, url}: what has come, for the person
		this.marks = []; // [when, moved], for the speed
	}

	get over() {
		return ["done", "cancelled", "failed"].includes(this.state);
	}

	/** Bytes a second of late, or null. */
	get speed() {
		const [first, last] = [this.marks[0], this.marks.at(-1)];
		if (this.state !== "active" || !first || last[0] - first[0] < LEAST_RATE_MS) return null;
		return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
	}

	note() {
		const now = performance.now();
		this.marks.push([now, this.moved]);
		while (this.marks.length > 2 && now - this.marks[0][0] > RATE_MS) this.marks.shift();
	}

	become(state) {
		this.state = state;
		this.marks = [];
		this.owner.changed(this);
	}

	say(type, fields) {
		this.owner.link?.say({ type, transferID: this.id, ...fields });
	}

	sayList(type, field, list, last) {
		this.owner.link?.sayList({ type, transferID: this.id }, field, list, last);
	}

	/** Of `wanted` files all are through. */
	end(wanted) {
		if (!this.failed.length) this.finish("done");
		else this.finish("failed", this.failed.length < wanted ? "some_files_failed" : String(this.failed[0].reason));
	}

	cancel(reason = "cancelled", state = "cancelled") {
		this.say("cancel", { reason });
		this.finish(state, reason);
	}

	/** The other side's `cancel`. */
	cancelled(message) {
		const reason = String(message.reason ?? "cancelled");
		this.finish(["declined", "cancelled"].includes(reason) ? "cancelled" : "failed", reason);
	}

	finish(state, reason = null) {
		this.stop();
		this.reason = reason;
		this.owner.kept.forget(this.id);
		this.become(state);
	}
}
