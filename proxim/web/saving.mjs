// Where received bytes are until they are whole, how they get into the browser's downloads, and what of unfinished transfers
// outlives the page's being loaded again. Must never be here: whether they are right (incoming.mjs).
//
// An http page on a LAN address has no File System Access API, no private file system of its origin (WHATWG File System: both
// need a secure context). It has Blobs, which Chromium keeps out of the page and writes to its disk when they grow
// (storage/browser/blob/README.md), and a Blob made of Blobs refers to their data instead of copying it. So each piece
// becomes one as soon as it is worth it. It also has IndexedDB, which takes Blobs and keeps them on disk; where that refuses
// (private windows of some browsers), transfers last as long as the page.

import { randomID, recall, remember } from "./ask.mjs";
import { Sha256 } from "./hash.mjs";

const PIECE_BYTES = 4 * 1024 * 1024;
const UNNAMED = "file";
const PREFIX = "proxim-";
const TAB = "proxim-tab";

/** A file that is still coming, and its hash so far. */
export class Growing {
	/** `kept(number, blob, hash)` is told of each piece; `blobs` and `hash` are from before the page was loaded again. */
	constructor(kept, blobs = [], hash = {}) {
		this.kept = kept;
		this.blobs = blobs;
		this.hash = new Sha256(hash);
		this.parts = [];
		this.held = 0;
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
		this.kept(this.blobs.push(blob) - 1, blob, new Sha256(this.hash));
	}

	/** Of all of it. As octet-stream a browser saves it, and never shows or runs it as part of our page. */
	url() {
		return URL.createObjectURL(new Blob([...this.blobs, ...this.parts], { type: "application/octet-stream" }));
	}
}

/** A name fit to show and to save: the leaf, nothing invisible, nothing that a file system reads otherwise. */
export function leafName(path) {
	const leaf = path.split(/[/\\]/).filter(Boolean).pop() ?? "";
	return shown(leaf).replace(/[<>:"|?*]/g, "_").replace(/^\.+|[. ]+$/g, "") || UNNAMED;
}

/** Without control, format and bidirectional characters: those could make a name look like another. */
export function shown(text, most = 120) {
	const clean = text.normalize("NFC").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, "").trim();
	const characters = Array.from(clean);
	return characters.length <= most ? clean : `${characters.slice(0, most - 17).join("")}…${characters.slice(-16).join("")}`;
}

/**
 * Hand it to the browser's downloads. Where a script's click does nothing (Firefox on iOS: mozilla-mobile/firefox-ios#8635)
 * or only the first of several counts, the link in the list is there for the person's finger.
 */
export function save({ name, url }) {
	const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
	document.body.append(anchor);
	anchor.click();
	anchor.remove();
}

const done = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});

/** What outlives the page: a record of each unfinished transfer, and the pieces of received files with the hash so far. */
export class Kept {
	/** This tab's own. Where it does not go on with it, what earlier ones left is removed. */
	constructor(goesOn) {
		this.opening = this.open(goesOn).catch(() => null);
	}

	async open(goesOn) {
		let name = goesOn && recall("sessionStorage", TAB);
		if (!name) {
			for (const old of (await indexedDB.databases?.()) ?? []) if (old.name.startsWith(PREFIX)) indexedDB.deleteDatabase(old.name);
			name = PREFIX + randomID(8);
			remember("sessionStorage", TAB, name);
		}
		const opening = indexedDB.open(name, 1);
		opening.onupgradeneeded = () => ["transfers", "parts"].forEach((one) => opening.result.createObjectStore(one));
		return done(opening);
	}

	async write(store, work) {
		try {
			const database = await this.opening;
			if (database) work(database.transaction(store, "readwrite", { durability: "relaxed" }).objectStore(store));
		} catch {
			// full, or forbidden: then it does not outlive the page
		}
	}

	save(id, record) {
		this.write("transfers", (store) => store.put({ id, ...record }, id));
	}

	part(id, file, number, blob, hash) {
		this.write("parts", (store) => store.put({ blob, hash }, [id, file, number]));
	}

	forgetParts(...from) {
		this.write("parts", (store) => store.delete(below(from)));
	}

	forget(id) {
		this.write("transfers", (store) => store.delete(id));
		this.forgetParts(id);
	}

	/** All records, that of a transfer whose file was coming with its `part`: {index, blobs, hash}. */
	async load() {
		try {
			const database = await this.opening;
			const all = (store) => database.transaction(store).objectStore(store);
			const records = await done(all("transfers").getAll());
			for (const record of records) {
				const keys = await done(all("parts").getAllKeys(below([record.id])));
				const parts = await done(all("parts").getAll(below([record.id])));
				const index = keys[0]?.[1];
				const whole = parts.filter((_, at) => keys[at][1] === index && keys[at][2] === at);
				if (whole.length) record.part = { index, blobs: whole.map((one) => one.blob), hash: whole.at(-1).hash };
			}
			return records;
		} catch {
			return [];
		}
	}
}

/** All keys that begin so: an array comes after every number and text. */
const below = (from) => IDBKeyRange.bound(from, [...from, []]);
