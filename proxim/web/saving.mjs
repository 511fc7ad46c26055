// Received bytes until their file is complete, and what is kept for when the page is loaded again.
// Pages over http cannot write files, but they have Blobs, which Chromium moves to its disk
// (storage/browser/blob/README.md).

import { Sha256 } from "./crypto.mjs";

const PIECE_BYTES = 4 * 1024 * 1024;
// At least this many milliseconds pass between two pieces that are kept; smaller pieces cost speed.
const KEEP_MS = 1_000;
const NAME = "proxim-kept";

export class IncomingFile {
	parts = [];
	pending = 0;
	keptAt = -Infinity;

	constructor(keep, blobs = [], hash = {}) {
		Object.assign(this, { keep, blobs, hash: new Sha256(hash) });
	}

	get bytes() {
		return this.hash.length;
	}

	append(bytes) {
		this.hash.update(bytes);
		this.parts.push(bytes);
		this.pending += bytes.length;
		const now = performance.now();
		if (this.pending < PIECE_BYTES || now - this.keptAt < KEEP_MS) return;
		this.keptAt = now;
		const blob = new Blob(this.parts);
		this.parts = [];
		this.pending = 0;
		this.keep({ blob, hash: new Sha256(this.hash) }, this.blobs.push(blob) - 1);
	}

	/** With this type a browser saves the bytes and never shows or runs them as part of our page. */
	blob() {
		return new Blob([...this.blobs, ...this.parts], { type: "application/octet-stream" });
	}
}

/** Return a path's last part; the browser replaces what its file system does not accept. */
export const leafName = (path) => shown(path.split(/[/\\]/).pop()).replace(/^\.+/, "") || "file";

/** Return `text` without characters that could make a name look like another, cut to `most` characters. */
export function shown(text, most = 120) {
	const clean = text.normalize("NFC").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, "").trim();
	const characters = Array.from(clean);
	return characters.length <= most ? clean : `${characters.slice(0, most - 17).join("")}…${characters.slice(-16).join("")}`;
}

const done = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = reject;
	});

/** Return the range of keys that begin with `key`: an array is sorted after everything else. */
const under = (...key) => IDBKeyRange.bound(key, [...key, []]);

/** IndexedDB: the key [tab, id] has a transfer, [tab, id, file, number] a received file's piece {blob, hash so far}. */
export class TransferStore {
	opening = this.open().catch(() => null);

	constructor(tab) {
		this.tab = tab;
	}

	async open() {
		const opening = indexedDB.open(NAME, 1);
		opening.onupgradeneeded = () => opening.result.createObjectStore(NAME);
		return done(opening);
	}

	async work(steps) {
		try {
			return await steps((await this.opening).transaction(NAME, "readwrite", { durability: "relaxed" }).objectStore(NAME));
		} catch {
			// Without the database, transfers last only as long as the page.
			return [];
		}
	}

	put(value, ...key) {
		this.work((store) => store.put(value, [this.tab, ...key]));
	}

	forget(...key) {
		this.work((store) => store.delete(under(this.tab, ...key)));
	}

	forgetOthers() {
		this.work((store) => [IDBKeyRange.upperBound([this.tab]), IDBKeyRange.lowerBound([this.tab, []])].map((others) => store.delete(others)));
	}

	/** Return this tab's transfers; `part` is what has been received of an incomplete file. */
	async load() {
		const own = under(this.tab);
		const [keys = [], values] = await this.work((store) => Promise.all([done(store.getAllKeys(own)), done(store.getAll(own))]));
		const records = new Map();
		keys.forEach(([, id, index, number], at) => {
			const { blob, hash } = values[at];
			if (number === undefined) return records.set(id, { id, ...values[at] });
			const part = ((records.get(id) ?? {}).part ??= { index, blobs: [] });
			// A piece before this one is missing.
			if (number !== part.blobs.length) return part;
			part.blobs.push(blob);
			return Object.assign(part, { hash });
		});
		return [...records.values()];
	}
}
