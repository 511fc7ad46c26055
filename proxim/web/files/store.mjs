// What is kept of transfers for when the page is loaded again.

import { recall, remember } from "../pairing/ask.mjs";

// The name of the database and of its only object store
const NAME = "proxim-kept";
// Open tabs answer within this time, unless they are frozen.
const ANSWER_MS = 1_000;
// Its host keeps the place of a frozen tab for 2 minutes, and needs some seconds to notice; what the
// tab has kept is of no use after that.
const FROZEN_MS = 150_000;

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * Return the range of keys that begin with `key`: IndexedDB sorts an array after everything else.
 * @param {(string | number)[]} key
 */
const under = (key) => IDBKeyRange.bound(key, [...key, []]);

/**
 * IndexedDB has a KeptTransfer at the key [tab, id], and of its files KeptPieces at [tab, id, file,
 * number], or in the end a FinishedFile at [tab, id, file]. A file that waits for its archive has
 * both. Without the database, transfers last only as long as the page.
 */
export class TransferStore {
  /** @type {Promise<IDBDatabase | null>} */
  database = this.open().catch(() => null);

  // What the next transaction does
  /** @type {((store: IDBObjectStore) => void)[]} */
  steps = [];

  /** @param {string} tab */
  constructor(tab) {
    this.tab = tab;
    const tabs = new BroadcastChannel(NAME);
    tabs.onmessage = ({ data }) => data || tabs.postMessage(tab);
    // Only hidden tabs are frozen. Locks would tell open tabs from closed ones, but http has none.
    for (const type of ["visibilitychange", "freeze"]) {
      document.addEventListener(type, () => this.stamp());
    }
  }

  /** Leave the time for other tabs, which ask this one in vain if it is frozen. */
  stamp() {
    if (document.hidden) remember("localStorage", `hidden-${this.tab}`, String(Date.now()));
  }

  async open() {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(NAME);
    return done(opening);
  }

  /**
   * Do `steps` in one transaction; return null if the database does not work.
   * @template T
   * @param {(store: IDBObjectStore) => T} steps
   */
  async work(steps) {
    try {
      const database = await this.database;
      if (!database) return null;
      // What the page keeps is not worth waiting until the disk has it.
      const transaction = database.transaction(NAME, "readwrite", { durability: "relaxed" });
      return await steps(transaction.objectStore(NAME));
    } catch {
      return null;
    }
  }

  /**
   * Keep `value` instead of everything under `key`.
   * @param {KeptTransfer | KeptPiece | FinishedFile} value
   * @param {...(string | number)} key
   */
  put(value, ...key) {
    this.soon((store) => {
      store.delete(under([this.tab, ...key]));
      store.put(value, [this.tab, ...key]);
    });
  }

  /**
   * Keep `value` beside everything under `key`.
   * @param {FinishedFile} value
   * @param {...(string | number)} key
   */
  add(value, ...key) {
    this.soon((store) => store.put(value, [this.tab, ...key]));
  }

  /** @param {...(string | number)} key */
  forget(...key) {
    this.soon((store) => store.delete(under([this.tab, ...key])));
  }

  /**
   * Do a step in one transaction with the others of this moment: one message can end a thousand
   * files.
   * @param {(store: IDBObjectStore) => void} step
   */
  soon(step) {
    if (this.steps.push(step) > 1) return;
    this.stamp();
    queueMicrotask(() => {
      const steps = this.steps.splice(0);
      this.work((store) => {
        for (const one of steps) one(store);
      });
    });
  }

  /** Forget what tabs that are closed have kept. */
  async forgetClosed() {
    const tabs = new BroadcastChannel(NAME);
    /** @type {Set<unknown>} */
    const open = new Set();
    tabs.onmessage = ({ data }) => open.add(data);
    tabs.postMessage("");
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    tabs.close();
    const keys = await this.work((store) => done(store.getAllKeys()));
    let isSpared = false;
    for (const tab of new Set(/** @type {string[][]} */ (keys ?? []).map(([one]) => one))) {
      if (open.has(tab)) continue;
      const hiddenAt = Number(recall("localStorage", `hidden-${tab}`));
      if (Date.now() - hiddenAt < FROZEN_MS) isSpared = true;
      else this.work((store) => store.delete(under([tab])));
    }
    if (isSpared) setTimeout(() => this.forgetClosed(), FROZEN_MS);
  }

  /** Return this tab's transfers. */
  async load() {
    const own = under([this.tab]);
    const found = await this.work((store) =>
      Promise.all([done(store.getAllKeys(own)), done(store.getAll(own))]),
    );
    /** @type {Map<string, FoundTransfer>} */
    const transfers = new Map();
    if (!found) return [];
    const [keys, values] = found;
    // The database sorts by key, so a transfer comes before its files, and a file before its
    // pieces, which are in their order.
    for (const [position, key] of keys.entries()) {
      const [, id, index, number] = /** @type {[string, string, number?, number?]} */ (key);
      const value = values[position];
      const transfer = transfers.get(id);
      if (index === undefined) {
        const files = { finishedFiles: new Set(), archivedFiles: new Map(), sent: new Map() };
        transfers.set(id, { id, ...value, failed: [], ...files });
      } else if (!transfer) continue;
      else if (number !== undefined) {
        const archived = transfer.archivedFiles.get(index);
        const part = archived ?? (transfer.part ??= { index, blobs: [] });
        const isOther = !archived && index !== transfer.part?.index;
        // Pieces after one that is missing are of no use, and one part is enough.
        if (isOther || number !== part.blobs.length) this.forget(id, index, number);
        else {
          part.blobs.push(value.blob);
          if (!archived) Object.assign(part, { hash: value.hash, crc32: value.crc32 });
        }
      } else if (value.sha256) transfer.sent.set(index, value.sha256);
      else if (value.crc32 !== undefined) {
        transfer.archivedFiles.set(index, { blobs: [], crc32: value.crc32 });
      } else {
        transfer.finishedFiles.add(index);
        if (value.reason) transfer.failed.push(value);
      }
    }
    return [...transfers.values()];
  }
}
