// Where received bytes are until they are whole, and what outlives the page. Never here: whether they are right.
// Pages over http have no file system, but Blobs, which Chromium moves to its disk (storage/browser/blob/README.md).

import { Sha256 } from "./crypto.mjs";

const PIECE_BYTES = 4 * 1024 * 1024;
const NAME = "proxim-kept";

/** A file that is still coming. */
export class Growing {
	parts = [];
	held = 0;

	constructor(keep, blobs = [], hash = {}) {
		Object.assign(this, { keep, blobs, hash: new Sha256(hash) });
	}

	get bytes() {
		return this.hash.length;
	}

	append(bytes) {
		this.hash.update(bytes);
		this.parts.push(bytes);
		this.held += bytes.length;
		if (this.held < PIECE_BYTES) return;
		const blob = new Blob(this.parts);
		this.parts = [];
		this.held = 0;
		this.keep({ blob, hash: new Sha256(this.hash) }, this.blobs.push(blob) - 1);
	}

	/** As octet-stream it is saved, never shown or run as part of our page. */
	blob() {
		return new Blob([...this.blobs, ...this.parts], { type: "application/octet-stream" });
	}
}

/** A name to save by; the browser replaces what its file system does not take. */
export const leafName = (path) => shown(path.split(/[/\\]/).pop()).replace(/^\.+/, "") || "file";

/** Without control, format and bidirectional characters: those could make a name look like another. */
export function shown(text, most = 120) {
	const clean = text.normalize("NFC").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, "").trim();
	const characters = Array.from(clean);
	return characters.length <= most ? clean : `${characters.slice(0, most - 17).join("")}…${characters.slice(-16).join("")}`;
}

const done = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});

/** By keys: [tab, id] an unfinished transfer, [tab, id, file, number] a piece of a received file: {blob, hash so far}. */
export class Kept {
	opening = this.open().catch(() => null);

	constructor(tab) {
		this.tab = tab;
	}

	async open() {
		const opening = indexedDB.open(NAME, 1);
		opening.onupgradeneeded = () => opening.result.createObjectStore(NAME);
		return done(opening);
	}

	async work(mode, steps) {
		try {
			return await steps((await this.opening).transaction(NAME, mode, { durability: "relaxed" }).objectStore(NAME));
		} catch {
			return []; // refused, or full: they last as long as the page
		}
	}

	put(value, ...key) {
		this.work("readwrite", (store) => store.put(value, [this.tab, ...key]));
	}

	/** All whose keys begin so: an array comes after every number and text. */
	forget(...key) {
		this.work("readwrite", (store) => store.delete(IDBKeyRange.bound([this.tab, ...key], [this.tab, ...key, []])));
	}

	/** What tabs left that are closed. */
	forgetOthers() {
		this.work("readwrite", (store) => [IDBKeyRange.upperBound([this.tab]), IDBKeyRange.lowerBound([this.tab, []])].map((others) => store.delete(others)));
	}

	/** All transfers, with the `part` of a file that was coming. */
	async load() {
		const own = IDBKeyRange.bound([this.tab], [this.tab, []]);
		const all = (store) => Promise.all([done(store.getAllKeys(own)), done(store.getAll(own))]);
		const [keys = [], values] = await this.work("readonly", all);
		const records = new Map();
		keys.forEach(([, id, index, number], at) => {
			const { blob, hash } = values[at];
			if (number === undefined) return records.set(id, { id, ...values[at] });
			const part = ((records.get(id) ?? {}).part ??= { index, blobs: [] });
			if (number !== part.blobs.length) return part; // one is missing: what follows does not count
			part.blobs.push(blob);
			return Object.assign(part, { hash });
		});
		return [...records.values()];
	}
}
