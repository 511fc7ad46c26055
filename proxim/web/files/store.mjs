// What is kept of transfers for when the page is loaded again.

// The name of the database and of its only object store
const NAME = "proxim-kept";

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
 * IndexedDB has a KeptTransfer at the key [tab, id], and a KeptPiece at [tab, id, file, number].
 * Without the database, transfers last only as long as the page.
 */
export class TransferStore {
  /** @type {Promise<IDBDatabase | null>} */
  database = this.open().catch(() => null);

  /** @param {string} tab */
  constructor(tab) {
    this.tab = tab;
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
   * @param {KeptTransfer | KeptPiece} value
   * @param {...(string | number)} key
   */
  put(value, ...key) {
    this.work((store) => store.put(value, [this.tab, ...key]));
  }

  /** @param {...(string | number)} key */
  forget(...key) {
    this.work((store) => store.delete(under([this.tab, ...key])));
  }

  /** Forget what other tabs have kept. */
  forgetOthers() {
    this.work((store) => {
      store.delete(IDBKeyRange.upperBound([this.tab]));
      store.delete(IDBKeyRange.lowerBound([this.tab, []]));
    });
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
    // The database sorts by key, so a transfer comes before its pieces, and those in their order.
    for (const [position, key] of keys.entries()) {
      const [, id, index, number] = /** @type {[string, string, number?, number?]} */ (key);
      const transfer = transfers.get(id);
      if (index === undefined) transfers.set(id, { id, ...values[position] });
      else if (transfer) {
        const part = (transfer.part ??= { index, blobs: [] });
        // Pieces after one that is missing are of no use.
        if (number !== part.blobs.length) continue;
        part.blobs.push(values[position].blob);
        part.hash = values[position].hash;
      }
    }
    return [...transfers.values()];
  }
}
