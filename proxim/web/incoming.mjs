// One transfer that this page receives: asked about, accepted, read from its records, verified, saved.
// Must never be here: which transfer is meant (transfers.mjs), how bytes are kept and saved (saving.mjs), how it looks.

import { Sha256, same, toBase64url, utf8 } from "./hash.mjs";
import { Growing } from "./saving.mjs";
import { Rate } from "./transfers.mjs";

const MAX_ENTRIES = 20_000;
const MAX_PATH_BYTES = 1024;
const MAX_SIZE = 2 ** 50;
const REPORT_BYTES = 1024 * 1024; // the sender's window is 16 MiB
const REPORT_MS = 100;
const UNHEARD_MS = 10_000; // what was said so shortly before a link was lost may not have been heard
const AT_ONCE = 400;
const HEADER = 9;
const [START, DATA, END, FAILED] = [1, 2, 3, 4];
const REASONS = ["file_changed", "file_gone", "file_unreadable"];

/** The announced list as we take it, or null where it is none. */
export function readEntries(files) {
  if (!Array.isArray(files) || files.length > MAX_ENTRIES) return null;
  const entries = files.map((one) => ({ path: one?.path, size: one?.directory === true ? 0 : one?.size, directory: one?.directory === true, modified: one?.modified ?? null }));
  const good = ({ path, size }) =>
    typeof path === "string" && path && utf8(path).length <= MAX_PATH_BYTES && Number.isInteger(size) && size >= 0 && size <= MAX_SIZE;
  return entries.every(good) ? entries : null;
}

/** `state`: arriving, asked, active, waiting, done, cancelled or failed. */
export class Incoming {
  constructor(id, owner) {
    this.id = id;
    this.direction = "in";
    this.owner = owner;
    this.state = "arriving";
    this.entries = [];
    this.pieces = [];
    this.accepted = false;
    this.unheard = false;
    this.moved = this.size = 0;
    this.reason = null;
    this.saved = []; // {name, url, blob} of what has come, for the person
    this.rate = new Rate();
  }

  get over() {
    return ["done", "cancelled", "failed"].includes(this.state);
  }

  get speed() {
    return this.state === "active" ? this.rate.speed : null;
  }

  announced(link, entries, more) {
    if (this.link !== link || this.over) this.pieces = [];
    this.before = this.over ? this.state : this.before;
    this.link = link;
    this.state = "arriving";
    this.pieces.push(...entries);
    if (this.pieces.length > MAX_ENTRIES) {
      link.say({ type: "cancel", transferID: this.id, reason: "too_many_files" });
      this.finish("failed", "too_many_files");
      return;
    }
    if (more) return;
    const list = this.pieces;
    this.pieces = [];
    // One that failed is tried again from the beginning, and asked about.
    const known = this.accepted && this.before !== "failed" && JSON.stringify(list) === JSON.stringify(this.entries);
    if (known && this.before === "done") this.sayAgain();
    else if (known) this.open();
    else {
      Object.assign(this, { entries: list, state: "asked", accepted: false, saved: [], moved: 0, done: new Set(), failed: [] });
      this.file = null;
      this.size = list.reduce((sum, one) => sum + one.size, 0);
      this.owner.changed(this);
    }
  }

  /** The person wants it. */
  accept() {
    if (this.state !== "asked") return;
    this.accepted = true;
    this.keep();
    this.open();
  }

  decline() {
    if (this.state !== "asked") return;
    this.link.say({ type: "cancel", transferID: this.id, reason: "declined" });
    this.finish("cancelled", "declined");
  }

  /** Say what is wanted, or still missing; the stream follows. */
  open() {
    this.state = "active";
    this.before = null;
    this.generation = 0;
    this.channel = null;
    this.written = this.reported = 0;
    this.reportedAt = 0;
    this.rate = new Rate();
    const partial = this.file ? [{ file: this.file.index, offset: this.file.bytes, sha256: toBase64url(this.file.hash.digest()) }] : [];
    const skip = spans([...this.done].sort((one, other) => one - other));
    for (let at = 0; at === 0 || at < skip.length; at += AT_ONCE) {
      const more = at + AT_ONCE < skip.length;
      this.link.say({ type: "accept", transferID: this.id, skip: skip.slice(at, at + AT_ONCE), ...(more ? { more } : { partial }) });
    }
    this.owner.changed(this);
    this.lookForEnd();
  }

  sayAgain() {
    this.state = "done";
    this.unheard = false;
    this.link.say({ type: "accept", transferID: this.id, skip: [[0, this.entries.length]] });
    this.sayFinished();
  }

  /** Take a stream; false where none is expected. */
  stream(link, channel, generation, waiting) {
    if (this.state !== "active" || link !== this.link || this.channel || generation !== this.generation) return false;
    this.channel = channel;
    const take = ({ data }) => {
      if (this.channel === channel && this.state === "active") this.messageOfRecords(data);
    };
    channel.onmessage = take;
    waiting.forEach(take);
    return true;
  }

  message({ reason }) {
    this.unheard = false;
    this.finish(reason === "cancelled" || !reason ? "cancelled" : "failed", String(reason ?? "cancelled"));
    return true;
  }

  cancel(reason = "cancelled", state = "cancelled") {
    this.accepted = false;
    this.owner.link?.say({ type: "cancel", transferID: this.id, reason });
    this.finish(state, reason);
  }

  linkDown() {
    this.channel = null;
    if (this.state === "done") this.unheard ||= Date.now() - this.endedAt < UNHEARD_MS;
    if (this.over) return;
    if (this.accepted) this.state = "waiting";
    else this.finish("cancelled", "peer_left");
    this.owner.changed(this);
  }

  // --- records -----------------------------------------------------------------------------------------------------

  messageOfRecords(data) {
    try {
      const view = new DataView(data);
      for (let at = 0; at < data.byteLength; ) {
        const [kind, index, length] = [view.getUint8(at), view.getUint32(at + 1), view.getUint32(at + 5)];
        this.record(kind, index, new Uint8Array(data, at + HEADER, length));
        at += HEADER + length;
      }
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      this.cancel("transfer_failed", "failed"); // no records, or not those of the files that we accepted
      return;
    }
    this.rate.note(this.moved);
    const now = Date.now();
    if (this.written - this.reported >= REPORT_BYTES || now - this.reportedAt >= REPORT_MS) this.report(now);
    this.lookForEnd();
  }

  report(now) {
    if (this.written === this.reported) return;
    this.reported = this.written;
    this.reportedAt = now;
    this.link.say({ type: "progress", transferID: this.id, generation: this.generation, written: this.written });
    this.owner.changed(this);
  }

  record(kind, index, payload) {
    const entry = this.entries[index];
    if (!entry || entry.directory || this.done.has(index)) throw new RangeError("another file");
    if (this.file?.index !== index) {
      if (this.file) this.moved -= this.file.bytes; // the sender no longer has that one
      this.file?.kept.discard();
      this.file = this.newFile(index);
    } else if (this.file.resumed !== this.generationKey) {
      // The first record of it since the link came back: START says that our part counts, anything else begins anew.
      if (kind !== START && this.file.bytes) this.begin(index);
    }
    this.file.resumed = this.generationKey;
    if (kind === START) this.startAt(payload);
    else if (kind === DATA) this.bytes(entry, payload);
    else if (kind === END) this.endOfFile(index, entry, payload);
    else if (kind === FAILED) this.fileFailed(index, String.fromCharCode(...payload));
    else throw new RangeError("no such record");
  }

  get generationKey() {
    return this.channel;
  }

  begin(index) {
    this.moved -= this.file.bytes;
    this.file.kept.discard();
    this.file = this.newFile(index);
  }

  newFile(index, blobs, hash = new Sha256()) {
    if (!blobs) this.owner.kept.forgetParts(this.id, index);
    const file = { index, bytes: hash.length, hash };
    const keep = (number, blob) => this.owner.kept.part(this.id, index, number, blob, hash.clone());
    return Object.assign(file, { kept: new Growing(keep, blobs) });
  }

  /** One from before the page was loaded again. */
  static restored(record, owner) {
    const { id, entries, size, failed } = record;
    const one = Object.assign(new Incoming(id, owner), { entries, size, failed, state: "waiting", accepted: true, done: new Set(record.done) });
    for (const index of one.done) one.moved += entries[index].size;
    if (record.blobs && !one.done.has(record.file)) {
      one.file = one.newFile(record.file, record.blobs, record.hash);
      one.moved += one.file.bytes;
    }
    return one;
  }

  keep() {
    const { entries, size, failed } = this;
    this.owner.kept.save(this.id, { direction: "in", entries, size, failed, done: [...this.done] });
  }

  startAt(payload) {
    const offset = Number(new DataView(payload.buffer, payload.byteOffset, 8).getBigUint64(0));
    if (offset === 0) this.begin(this.file.index);
    else if (offset !== this.file.bytes) throw new RangeError("another beginning");
  }

  bytes(entry, payload) {
    if (this.file.bytes + payload.length > entry.size) throw new RangeError("more than announced");
    this.file.hash.update(payload);
    this.file.kept.append(payload);
    this.file.bytes += payload.length;
    this.written += payload.length;
    this.moved += payload.length;
  }

  endOfFile(index, entry, digest) {
    const whole = this.file.bytes === entry.size && same(digest, this.file.hash.digest());
    if (!whole) {
      this.fileFailed(index, "file_damaged");
      return;
    }
    this.saved.push(this.file.kept.finish(entry.path));
    this.file = null;
    this.done.add(index);
    this.owner.kept.forgetParts(this.id, index);
    this.keep();
  }

  fileFailed(index, reason) {
    this.moved -= this.file.bytes;
    this.file.kept.discard();
    this.file = null;
    this.done.add(index);
    this.failed.push({ file: index, reason: REASONS.includes(reason) || reason === "file_damaged" ? reason : "transfer_failed" });
    this.keep();
  }

  // --- the end -----------------------------------------------------------------------------------------------------

  lookForEnd() {
    const wanted = this.entries.filter((one) => !one.directory).length;
    if (this.state !== "active" || this.done.size < wanted) return;
    this.report(Date.now());
    this.sayFinished();
    const all = this.failed.length === wanted && wanted > 0;
    if (this.failed.length) this.finish("failed", all ? this.failed[0].reason : "some_files_failed");
    else this.finish("done", null);
  }

  sayFinished() {
    for (let at = 0; at === 0 || at < this.failed.length; at += AT_ONCE) {
      const more = at + AT_ONCE < this.failed.length;
      this.link.say({ type: "finished", transferID: this.id, failed: this.failed.slice(at, at + AT_ONCE), ...(more && { more }) });
    }
  }

  finish(state, reason) {
    this.state = state;
    this.reason = reason;
    this.endedAt = Date.now();
    this.channel = null;
    this.owner.kept.forget(this.id);
    if (state !== "done") this.file?.kept.discard();
    this.file = null;
    this.owner.changed(this);
  }
}

function spans(indices) {
  const found = [];
  for (const index of indices) {
    const last = found.at(-1);
    if (last && last[0] + last[1] === index) last[1] += 1;
    else found.push([index, 1]);
  }
  return found;
}
