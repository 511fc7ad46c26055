// What of unfinished transfers outlives the page's being loaded again: lists, and received pieces with the hash so far.
// Must never be here: what a transfer does with it.
//
// IndexedDB is there without a secure context, takes Blobs, and keeps them on disk. Where it refuses (private windows of
// some browsers), transfers last as long as the page.

import { Sha256, toBase64url } from "./hash.mjs";

const PREFIX = "proxim-";

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export class Kept {
  /** This tab's own. Where it begins anew, what earlier ones left is removed. */
  constructor(again) {
    this.opening = this.open(again).catch(() => null);
  }

  async open(again) {
    let name = again && sessionStorage.getItem("proxim-tab");
    if (!name) {
      for (const old of (await indexedDB.databases?.()) ?? []) if (old.name.startsWith(PREFIX)) indexedDB.deleteDatabase(old.name);
      name = PREFIX + toBase64url(crypto.getRandomValues(new Uint8Array(8)));
      sessionStorage.setItem("proxim-tab", name);
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

  part(id, file, number, blob, { state, rest, held, length }) {
    this.write("parts", (store) => store.put({ blob, hash: { state, rest, held, length } }, [id, file, number]));
  }

  forgetParts(id, file) {
    this.write("parts", (store) => store.delete(IDBKeyRange.bound([id, file], [id, file, []])));
  }

  forget(id) {
    this.write("transfers", (store) => store.delete(id));
    this.write("parts", (store) => store.delete(IDBKeyRange.bound([id], [id, []])));
  }

  /** All records, those of a file that was coming with its `blobs` and `hash`. */
  async load() {
    try {
      const database = await this.opening;
      if (!database) return [];
      const all = (store) => database.transaction(store).objectStore(store);
      const records = await done(all("transfers").getAll());
      for (const record of records) {
        const range = IDBKeyRange.bound([record.id], [record.id, []]);
        const [keys, parts] = [await done(all("parts").getAllKeys(range)), await done(all("parts").getAll(range))];
        const whole = keys.filter(([, file, number], index) => file === keys[0][1] && number === index).length;
        if (whole) Object.assign(record, { file: keys[0][1], blobs: parts.slice(0, whole).map((one) => one.blob), hash: new Sha256(parts[whole - 1].hash) });
      }
      return records;
    } catch {
      return [];
    }
  }
}
