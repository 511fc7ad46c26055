// All transfers of this page: which message and which stream belongs to which, who may move, what goes on over a new link.
// Must never be here: how one of them runs (outgoing.mjs, incoming.mjs), what a person sees.

import { randomID } from "./ask.mjs";
import { Incoming, readEntries } from "./incoming.mjs";
import { Outgoing } from "./outgoing.mjs";
import { Transfer } from "./transfer.mjs";

const MAX_MOVING = 3;
const MAX_UNDECIDED = 8;
const MAX_TAGS = 64;
const ID = /^[\w-]{22}$/;
const LABEL = /^files\/([\w-]{22})\/(\d{1,7})$/;

export class Transfers {
	/** `changed(transfer)` is called whenever something of it changed that a person sees. */
	constructor(changed, kept) {
		Object.assign(this, { changed, kept });
		this.link = null; // one whose other side has greeted and takes files
		this.all = new Map();
	}

	/** Those of a kind, and in one of those states where any are named. */
	of(kind, ...states) {
		return [...this.all.values()].filter((one) => one instanceof kind && (!states.length || states.includes(one.state)));
	}

	get moving() {
		return this.of(Transfer, "active").length > 0;
	}

	add(one) {
		this.all.set(one.id, one);
		this.changed(one);
	}

	/** Send what a person chose: [{file, path}]. */
	send(files) {
		if (this.of(Outgoing).some((one) => one.supply(files))) return;
		const one = new Outgoing(randomID(16), this, files);
		this.add(one);
		if (this.link) one.announce();
	}

	/** Go on with what a page before this one began in this tab. */
	async restore() {
		for (const record of await this.kept.load()) this.add((record.outgoing ? Outgoing : Incoming).restored(record, this));
	}

	linkUp(link) {
		this.link = link;
		const unfinished = this.of(Incoming).filter((one) => one.state === "waiting" || one.unheard);
		const tags = link.proof ? unfinished.map(({ id }) => link.proof.resumeTag(id)) : [];
		while (tags.length) link.say({ type: "resume", tags: tags.splice(0, MAX_TAGS) });
		for (const one of this.of(Outgoing, "announced")) one.announce();
	}

	linkDown() {
		this.link = null;
		for (const one of this.all.values()) one.linkDown();
	}

	/** No link will come any more. */
	end(reason) {
		this.linkDown();
		for (const one of this.all.values()) if (!one.over) one.finish("failed", reason);
	}

	/** What the other side says of files; false where it makes no sense. */
	message(message) {
		const { type, transferID, tags } = message;
		if (type === "resume") return !Array.isArray(tags) || this.resume(tags);
		if (!this.link || typeof transferID !== "string" || !ID.test(transferID)) return false;
		if (type === "announce") return this.announced(message);
		const one = this.all.get(transferID);
		return !one || one.over || one.message(message) !== false; // of one that is over or unknown, it crossed with its end
	}

	resume(tags) {
		const { proof } = this.link ?? {};
		for (const one of proof ? this.of(Outgoing) : []) if (tags.includes(proof.resumeTag(one.id))) one.resume();
		return true;
	}

	announced({ transferID, files, more }) {
		const entries = readEntries(files);
		const one = this.all.get(transferID) ?? new Incoming(transferID, this);
		if (!entries || !(one instanceof Incoming) || ["asked", "active"].includes(one.state)) return false;
		if (!this.all.has(transferID) && this.of(Incoming, "arriving", "asked").length >= MAX_UNDECIDED) {
			one.say("cancel", { reason: "too_many" });
			return true;
		}
		this.all.set(transferID, one);
		one.announced(entries, more === true);
		return true;
	}

	/** A data channel that the other side opened, and what has come on it already; false where none is expected. */
	stream(channel, waiting) {
		const [, id, generation] = LABEL.exec(channel.label) ?? [];
		const one = this.all.get(id);
		return one instanceof Incoming && one.stream(channel, Number(generation), waiting);
	}

	giveTurns() {
		const free = MAX_MOVING - this.of(Outgoing, "active").length;
		for (const one of this.of(Outgoing, "ready").slice(0, Math.max(0, free))) one.start();
	}
}
