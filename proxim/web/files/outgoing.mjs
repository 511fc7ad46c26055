// One transfer that this page sends.

import { toBase64url } from "../pairing/ask.mjs";
import { u64, utf8 } from "../bytes.mjs";
import { Sha256 } from "../sha256.mjs";
import { Stream } from "./stream.mjs";
import { DATA, END, FAILED, MAX_PATH_BYTES, START, Transfer } from "./transfer.mjs";

// This many bytes of a file are read at once.
const READ_BYTES = 1024 * 1024;
// All channels of a link end within this time.
const CLOSING_MS = 1_000;

/**
 * @param {ChosenFile} chosen
 * @returns {Entry}
 */
const entryOf = ({ file, path }) => ({
  // Half a surrogate pair is no UTF-8, and the encoder replaces it.
  path: new TextDecoder().decode(utf8(path)),
  size: file.size,
  // The protocol has seconds, and no times before 1970.
  modified: Math.max(0, Math.floor(file.lastModified / 1000)),
});

/**
 * Return a path and the paths of the folders that it is in.
 * @param {string} path
 */
const withFolders = (path) =>
  path.split("/").map((_, at, parts) => parts.slice(0, at + 1).join("/"));

/** @param {Entry} entry */
const pathAndSize = ({ path, size }) => `${size} ${path}`;

/** @param {number[]} sizes */
const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);

export class Outgoing extends Transfer {
  // Whether the receiver has asked to resume over the present link
  wanted = false;
  // Which files the receiver does not want or already has, and what it has of others
  /** @type {Set<number>} */
  skipped = new Set();
  // How many files the spans of the present acceptance cover
  covered = 0;
  /** @type {Map<number, ReceivedPart>} */
  partial = new Map();
  // What the receiver may say that it has renamed
  /** @type {Set<string>} */
  announcedPaths = new Set();
  /** @type {Stream | null} */
  stream = null;
  // How much had been moved before this stream
  movedBefore = 0;
  // The hashes of the files that were sent to their end
  /** @type {Map<number, string>} */
  sent = new Map();
  // Which files were chosen again with another time
  /** @type {Set<number>} */
  restamped = new Set();

  /**
   * @param {string} id
   * @param {Transfers} owner
   * @param {ChosenFile[]} [files] is missing after the page was loaded again
   */
  constructor(id, owner, files) {
    super(id, owner, "announced");
    this.outgoing = true;
    this.files = files;
    this.entries = files?.map(entryOf) ?? [];
    this.size = sum(this.entries.map(({ size }) => size));
  }

  /**
   * @override
   * @param {FoundTransfer} found
   */
  restore(found) {
    super.restore(found);
    this.sent = found.sent;
  }

  /**
   * If all files that are missing since the page was loaded again are among these, go on with
   * them. Return the others. Phones may copy a file each time that it is chosen, and the copy has
   * another time: then the hash decides whether it goes on or begins anew.
   * @param {ChosenFile[]} files
   */
  supply(files) {
    if (this.files || this.over) return files;
    /** @type {Map<string, ChosenFile[]>} */
    const chosen = new Map();
    for (const one of files) {
      const key = pathAndSize(entryOf(one));
      const alike = chosen.get(key);
      if (alike) alike.push(one);
      else chosen.set(key, [one]);
    }
    /** @type {ChosenFile[]} */
    const found = [];
    const restamped = new Set(this.entries.keys());
    // A file with the right time must not be taken for another one of its name and size.
    for (const anyTime of [false, true]) {
      for (const index of [...restamped]) {
        const entry = this.entries[index];
        const alike = chosen.get(pathAndSize(entry)) ?? [];
        const at = alike.findIndex((one) => anyTime || entryOf(one).modified === entry.modified);
        if (at < 0) continue;
        [found[index]] = alike.splice(at, 1);
        if (!anyTime) restamped.delete(index);
      }
    }
    if (Object.keys(found).length < this.entries.length) return files;
    this.files = found;
    this.restamped = restamped;
    if (this.wanted) this.announce();
    this.owner.onChange(this);
    const taken = new Set(found);
    return files.filter((one) => !taken.has(one));
  }

  /** The receiver asks for this transfer over a new link. */
  resume() {
    this.wanted = this.state === "waiting";
    if (this.wanted && this.files) this.announce();
    else if (this.unacknowledged) this.send("cancel", { reason: this.reason });
  }

  announce() {
    this.stop();
    if (this.entries.some(({ path }) => utf8(path).length > MAX_PATH_BYTES)) {
      this.finish("failed", "name_refused");
      return;
    }
    this.failed = [];
    this.renamed = [];
    this.announcedPaths = new Set(this.entries.flatMap(({ path }) => withFolders(path)));
    this.skipped = new Set();
    this.covered = 0;
    this.partial = new Map();
    // The page forgets its transfers when the session ends.
    this.sendList("announce", "files", this.entries, { session_only: true });
    this.become("announced");
  }

  /**
   * @override
   * @param {Message} message
   */
  message(message) {
    if (message.type === "accept") return this.state === "announced" && this.onAccept(message);
    if (message.type === "progress") {
      if (!Number.isSafeInteger(message.written)) return false;
      if (this.stream) this.onProgress(this.stream, message.written);
    } else if (message.type === "finished") {
      if (this.state !== "ready" && this.state !== "active") return false;
      this.onFinished(message);
    }
    return super.message(message);
  }

  /** @param {Message} message */
  onFinished({ failed, renamed, more }) {
    const all = [...this.failed, ...(failed ?? [])];
    const lost = sum(all.map(({ file }) => this.entries[file].size));
    const isNamed = new Set(this.renamed.map((one) => one.path));
    for (const { path, name } of renamed ?? []) {
      if (isNamed.has(path) || !this.announcedPaths.has(path)) continue;
      isNamed.add(path);
      this.renamed.push({ path, name: String(name) });
    }
    this.failed = all;
    if (more === true) return;
    // What was never reported as written is not written.
    if (this.moved < this.size - lost) this.finish("failed", "transfer_failed");
    else this.conclude(this.entries.length);
  }

  /** @param {Message} message */
  onAccept({ skip, partial, more }) {
    /** @type {[number, number][]} */
    const spans = skip ?? [];
    const most = this.entries.length;
    const isSound = spans.every(
      ([first, count]) =>
        Number.isSafeInteger(first) &&
        Number.isSafeInteger(count) &&
        first >= 0 &&
        count > 0 &&
        first + count <= most,
    );
    // Spans that cover more than there is could take minutes to count.
    const covered = this.covered + sum(spans.map(([, count]) => count));
    if (!isSound || covered > most) return false;
    this.covered = covered;
    for (const [first, count] of spans) {
      for (let index = first; index < first + count; index++) this.skipped.add(index);
    }
    for (const one of partial ?? []) {
      if (!(one.offset >= 0 && one.offset <= this.entries[one.file]?.size)) return false;
      this.partial.set(one.file, one);
    }
    if (more !== true) this.acceptArrived();
    return true;
  }

  acceptArrived() {
    const wanted = this.entries.filter((_, index) => !this.skipped.has(index));
    const wantedBytes = sum(wanted.map(({ size }) => size));
    const presentBytes = sum(Array.from(this.partial.values(), ({ offset }) => offset));
    // Files that the receiver does not want are no part of the transfer. Those that it skips later
    // have arrived.
    if (!this.accepted) {
      this.size = wantedBytes;
      this.accepted = true;
      this.keep();
    }
    this.moved = this.movedBefore = Math.max(0, this.size - wantedBytes + presentBytes);
    this.become("ready");
    this.owner.startReady();
    this.sendChanged();
  }

  /** Send anew what has arrived, but had other contents when it was chosen again. */
  async sendChanged() {
    const { files } = this;
    if (!files) return;
    const arrived = [...this.restamped].filter((index) => this.skipped.has(index));
    this.restamped.clear();
    const changed = [];
    for (const index of arrived) {
      const sha256 = this.sent.get(index);
      if (sha256 && (await hashOf(files[index].file)) !== sha256) changed.push(files[index]);
    }
    if (changed.length && (this.state === "done" || !this.over)) this.owner.send(changed);
  }

  /**
   * @param {Stream} stream
   * @param {number} written
   */
  onProgress(stream, written) {
    this.moved = Math.min(this.size, this.movedBefore + stream.acknowledge(written));
    this.progressed();
  }

  start() {
    const { link } = this.owner;
    if (!link) return;
    this.become("active");
    const stream = new Stream(link.peer, `files/${this.id}/0`);
    this.stream = stream;
    this.sendFiles(stream).catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
      if (!stream.stopped) this.cancel("transfer_failed", "failed");
    });
  }

  /** @override */
  stop() {
    this.stream?.stop();
    this.stream = null;
  }

  /** @override */
  linkDown() {
    super.linkDown();
    this.stop();
    this.wanted = false;
    if (!this.over) this.become(this.accepted ? "waiting" : "announced");
  }

  /**
   * @override
   * @param {TransferState} state
   * @param {string | null} [reason]
   */
  finish(state, reason) {
    if (state === "done") {
      this.moved = this.size;
      // The browser may now free the files.
      this.files = [];
    }
    super.finish(state, reason);
    this.owner.startReady();
  }

  /** @param {Stream} stream */
  async sendFiles(stream) {
    await stream.opened();
    for (const [index, { file }] of (this.files ?? []).entries()) {
      if (!this.skipped.has(index)) await this.sendFile(stream, index, file);
    }
    await stream.flush();
  }

  /**
   * @param {Stream} stream
   * @param {number} index
   * @param {File} file
   */
  async sendFile(stream, index, file) {
    const partial = this.partial.get(index);
    try {
      let hash = new Sha256();
      let offset = partial?.offset ?? 0;
      for await (const bytes of read(file, 0, offset)) {
        hash.update(bytes);
        stream.check();
      }
      if (partial && toBase64url(hash.digest()) !== partial.sha256) {
        // The receiver has other bytes than this file begins with.
        hash = new Sha256();
        offset = 0;
      }
      if (partial) await stream.record(START, index, u64(offset));
      for await (const bytes of read(file, offset, this.entries[index].size)) {
        hash.update(bytes);
        await stream.record(DATA, index, bytes);
      }
      const digest = hash.digest();
      await stream.record(END, index, digest);
      const sha256 = toBase64url(digest);
      this.sent.set(index, sha256);
      this.owner.store.put({ file: index, sha256 }, this.id, index);
    } catch (error) {
      if (!(error instanceof DOMException) || stream.stopped) throw error;
      // By the W3C File API, 7, the file is gone or has changed since it was chosen.
      const reason = error.name === "NotFoundError" ? "file_gone" : "file_changed";
      await stream.record(FAILED, index, utf8(reason));
    }
  }
}

/**
 * Return the hash of a whole file; null if it cannot be read.
 * @param {File} file
 */
async function hashOf(file) {
  const hash = new Sha256();
  try {
    for await (const bytes of read(file, 0, file.size)) hash.update(bytes);
  } catch {
    return null;
  }
  return toBase64url(hash.digest());
}

/**
 * Read a file from one offset to another. Throws a DOMException if it cannot be read.
 * @param {File} file
 * @param {number} from
 * @param {number} to
 */
async function* read(file, from, to) {
  for (let at = from; at < to; at += READ_BYTES) {
    const end = Math.min(at + READ_BYTES, to);
    const bytes = new Uint8Array(await file.slice(at, end).arrayBuffer());
    if (bytes.length < end - at) throw new DOMException("shorter", "NotReadableError");
    yield bytes;
  }
}
