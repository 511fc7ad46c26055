// All transfers: it routes their messages, decides which may start, and resumes them over a new link.

import { randomID } from "./ask.mjs";
import { Incoming } from "./incoming.mjs";
import { Outgoing } from "./outgoing.mjs";

const MAX_MOVING = 3;
const MAX_UNDECIDED = 8;
const MAX_TAGS = 64;
const ID = /^[\w-]{22}$/;
// The generation is always 0, as a browser has no second way to send a stream.
const LABEL = /^files\/([\w-]{22})\/0$/;

export class Transfers {
	link = null;
	all = new Map();

	constructor(changed, kept) {
		Object.assign(this, { changed, kept });
	}

	of(kind, ...states) {
		return [...this.all.values()].filter((one) => one instanceof kind && (!states.length || states.includes(one.state)));
	}

	get moving() {
		return this.of(Object, "active").length;
	}

	add(one) {
		this.all.set(one.id, one);
		this.changed(one);
	}

	send(files) {
		if (this.of(Outgoing).some((one) => one.supply(files))) return;
		const one = new Outgoing(randomID(), this, files);
		this.add(one);
		if (this.link) one.announce();
	}

	async restore() {
		for (const record of await this.kept.load()) this.add(new (record.outgoing ? Outgoing : Incoming)(record.id, this).restored(record));
	}

	linkUp(link) {
		this.link = link;
		// Finished transfers are included, as the sender may not have received their end.
		const there = this.of(Incoming).filter((one) => one.accepted);
		const tags = link.proof ? there.map(({ id }) => link.proof.resumeTag(id)) : [];
		while (tags.length) link.send({ type: "resume", tags: tags.splice(0, MAX_TAGS) });
		for (const one of this.of(Outgoing, "announced")) one.announce();
	}

	linkDown() {
		this.link = null;
		for (const one of this.all.values()) one.linkDown();
	}

	get alive() {
		return this.of(Object).filter((one) => !one.over);
	}

	end(reason) {
		this.linkDown();
		for (const one of this.alive) one.finish("failed", reason);
	}

	message(message) {
		const { type, transferID } = message;
		if (!this.link) return false;
		if (type === "resume") return this.resume(message.tags ?? []);
		if (!ID.test(transferID)) return false;
		if (type === "announce") return this.announced(message);
		const one = this.all.get(transferID);
		// A message about a transfer that is over or unknown may have been sent before its end arrived.
		return !one || one.over || one.message(message);
	}

	resume(tags) {
		const { proof } = this.link;
		for (const one of this.of(Outgoing)) if (proof && tags.includes(proof.resumeTag(one.id))) one.resume();
		return true;
	}

	announced(message) {
		const one = this.all.get(message.transferID) ?? new Incoming(message.transferID, this);
		if (!this.all.has(one.id) && this.of(Incoming, "arriving", "asked").length >= MAX_UNDECIDED) {
			one.send("cancel", { reason: "too_many_transfers" });
			return true;
		}
		this.all.set(one.id, one);
		if (!one.unacknowledged) return one instanceof Incoming && one.announced(message);
		one.send("cancel", { reason: one.reason });
		one.unacknowledged = false;
		return true;
	}

	stream(channel) {
		const one = this.all.get(LABEL.exec(channel.label)?.[1]);
		return one instanceof Incoming && one.stream(channel);
	}

	giveTurns() {
		const free = MAX_MOVING - this.of(Outgoing, "active").length;
		for (const one of this.of(Outgoing, "ready").slice(0, Math.max(0, free))) one.start();
	}
}
