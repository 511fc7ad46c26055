// One transfer that this page sends: announced, accepted, streamed in records, acknowledged, finished.
// Must never be here: who may move at once (transfers.mjs), how it looks.

import { Sha256, fromBase64url, same, u32, u64, utf8 } from "./hash.mjs";
import { Rate } from "./transfers.mjs";

const READ_BYTES = 1024 * 1024; // at once from a file: few turns of the loop, little memory
const WINDOW_BYTES = 16 * 1024 * 1024;
// What may wait in the browser: enough to fill the wire between two turns. Chromium closes a channel at 16 MiB
// (third_party/blink/renderer/modules/peerconnection/rtc_data_channel.cc); a large queue also delays the heartbeat.
const QUEUE_BYTES = 1024 * 1024;
const ENTRIES_AT_ONCE = 200;
const PATHS_AT_ONCE = 32 * 1024;
const HEADER = 9;
const LEAST_DATA = 1024; // less is not worth a record of its own: the message goes first
const [START, DATA, END, FAILED] = [1, 2, 3, 4];

/** `state`: announced, ready, active, waiting, done, cancelled or failed. */
export class Outgoing {
  constructor(id, files, owner) {
    this.id = id;
    this.direction = "out";
    this.owner = owner;
    this.files = files;
    this.entries = files.map(({ file, path }) => ({ path, size: file.size, modified: Math.floor(file.lastModified / 1000) }));
    this.size = this.entries.reduce((sum, one) => sum + one.size, 0);
    this.state = "announced";
    this.accepted = false;
    this.moved = 0;
    this.failed = [];
    this.reason = null;
    this.endedHere = false;
    this.run = null;
    this.renew();
  }

  get over() {
    return ["done", "cancelled", "failed"].includes(this.state);
  }

  get speed() {
    return this.state === "active" ? this.rate.speed : null;
  }

  renew() {
    this.skip = new Set();
    this.partial = new Map();
    this.generation = 0;
    this.position = { file: 0, offset: 0 };
    this.rate = new Rate();
  }

  /** One from before the page was loaded again; the browser has let go of its files. */
  static restored({ id, entries, size }, owner) {
    return Object.assign(new Outgoing(id, [], owner), { entries, size, state: "waiting", accepted: true, missing: true });
  }

  /** Take its files again, if all of them are there. */
  supply(files) {
    const same = ({ path, size, modified }) =>
      files.find((one) => one.path === path && one.file.size === size && Math.floor(one.file.lastModified / 1000) === modified);
    const found = this.entries.map(same);
    if (!this.missing || !found.every(Boolean)) return false;
    Object.assign(this, { files: found, missing: false });
    if (this.wanted) this.announce(this.wanted);
    this.owner.changed(this);
    return true;
  }

  /** The receiver has a part of it and is there again. */
  resume(link) {
    this.wanted = link;
    if (!this.missing) this.announce(link);
  }

  announce(link) {
    this.stop();
    this.renew();
    this.link = link;
    this.state = "announced";
    let piece = [];
    let bytes = 0;
    const say = (more) => link.say({ type: "announce", transferID: this.id, files: piece, ...(more && { more }) });
    for (const entry of this.entries) {
      const length = utf8(JSON.stringify(entry.path)).length;
      if (piece.length === ENTRIES_AT_ONCE || (piece.length && bytes + length > PATHS_AT_ONCE)) {
        say(true);
        piece = [];
        bytes = 0;
      }
      piece.push(entry);
      bytes += length;
    }
    say(false);
    this.owner.changed(this);
  }

  /** False where it makes no sense. */
  message(message) {
    switch (message.type) {
      case "accept":
        return this.state === "announced" && this.take(message);
      case "continue":
        return this.goOn(message);
      case "progress":
        if (message.generation === this.generation && this.run) this.acknowledge(message.written);
        return true;
      case "finished":
        this.failed.push(...(Array.isArray(message.failed) ? message.failed : []));
        if (message.more !== true) this.end();
        return true;
      default: // cancel
        this.finish(["declined", "cancelled"].includes(message.reason) ? "cancelled" : "failed", message.reason ?? "cancelled");
        return true;
    }
  }

  take(message) {
    for (const [first, count] of message.skip ?? []) {
      if (!(first >= 0 && count >= 0 && first + count <= this.entries.length)) return false;
      for (let index = first; index < first + count; index++) this.skip.add(index);
    }
    for (const { file, offset, sha256 } of message.partial ?? []) {
      const digest = fromBase64url(sha256, 32);
      if (!digest || !(offset >= 0 && offset <= this.entries[file]?.size)) return false;
      this.partial.set(file, { offset, digest });
    }
    if (message.more === true) return true;
    const left = this.left();
    if (!this.accepted) this.size = left + [...this.partial.values()].reduce((sum, one) => sum + one.offset, 0); // without what was declined
    this.accepted = true;
    this.owner.kept.save(this.id, { direction: "out", entries: this.entries, size: this.size });
    this.moved = this.before = Math.max(0, this.size - left);
    this.state = "ready";
    this.owner.giveTurns();
    this.owner.changed(this);
    return true;
  }

  /** Bytes that are still to come from `position` on. */
  left() {
    return this.entries.reduce((sum, { size }, index) => {
      if (index < this.position.file || this.skip.has(index)) return sum;
      const here = index === this.position.file ? this.position.offset : 0;
      return sum + size - Math.max(here, this.partial.get(index)?.offset ?? 0);
    }, 0);
  }

  goOn({ generation, file, offset }) {
    if (generation !== this.generation + 1 || !(file >= 0 && file <= this.entries.length && offset >= 0)) return false;
    const moving = this.run !== null;
    this.stop();
    this.generation = generation;
    this.position = { file, offset };
    this.before = Math.max(0, this.size - this.left());
    if (moving) this.start();
    return true;
  }

  acknowledge(written) {
    this.run.acknowledged = Math.max(this.run.acknowledged, Math.min(written, this.run.sent));
    this.run.wake();
    this.moved = Math.max(this.moved, Math.min(this.size, this.before + this.run.acknowledged));
    this.rate.note(this.moved);
    this.owner.changed(this);
  }

  start() {
    this.state = "active";
    this.rate = new Rate();
    this.rate.note(this.moved);
    const run = new Run(this.link, this.id, this.generation);
    this.run = run;
    this.stream(run).catch((error) => {
      if (run.stopped) return; // whoever stopped it knows why
      console.warn("sending broke off", error.name);
      this.cancel("transfer_failed", "failed");
    });
    this.owner.changed(this);
  }

  stop() {
    this.run?.stop();
    this.run = null;
  }

  cancel(reason = "cancelled", state = "cancelled") {
    this.endedHere = true;
    this.owner.link?.say({ type: "cancel", transferID: this.id, reason });
    this.finish(state, reason);
  }

  linkDown() {
    this.stop();
    if (this.over) return;
    this.state = this.accepted ? "waiting" : "announced";
    this.link = this.wanted = null;
    this.owner.changed(this);
  }

  end() {
    const wanted = this.entries.length - this.skip.size;
    if (!this.failed.length) this.moved = this.size;
    const all = this.failed.length >= wanted;
    const reason = all ? String(this.failed[0]?.reason) : "some_files_failed";
    if (this.failed.length) this.finish("failed", reason);
    else this.finish("done", null);
  }

  finish(state, reason) {
    this.state = state;
    this.reason = reason;
    this.stop();
    this.owner.kept.forget(this.id);
    this.files = this.over && state === "done" ? [] : this.files; // the browser may let go of them
    this.owner.changed(this);
    this.owner.giveTurns();
  }

  // --- records -----------------------------------------------------------------------------------------------------

  async stream(run) {
    await run.open();
    for (let index = this.position.file; index < this.entries.length; index++) {
      if (this.skip.has(index)) continue;
      const at = index === this.position.file ? this.position.offset : 0;
      await this.file(run, index, at);
    }
    await run.flush();
  }

  async file(run, index, at) {
    const { file } = this.files[index];
    const { size } = this.entries[index];
    const known = this.partial.get(index);
    try {
      let hash = new Sha256();
      let offset = 0;
      if (at || known) {
        offset = at || known.offset;
        for await (const bytes of read(file, 0, offset)) {
          hash.update(bytes);
          run.check();
        }
        if (!at && !same(hash.digest(), known.digest)) {
          hash = new Sha256();
          offset = 0;
        }
        await run.record(START, index, u64(offset));
      }
      for await (const bytes of read(file, offset, size)) {
        hash.update(bytes);
        await run.data(index, bytes);
      }
      await run.record(END, index, hash.digest());
    } catch (error) {
      if (!(error instanceof DOMException) || run.stopped) throw error;
      // The File API's names for a file that went away, or changed, since it was chosen (W3C File API, 7).
      const reason = error.name === "NotFoundError" ? "file_gone" : "file_unreadable";
      await run.record(FAILED, index, utf8(reason));
    }
  }
}

/** A file's bytes in order, the next piece being read while one is worked on. */
async function* read(file, from, to) {
  const piece = (at) => (at < to ? file.slice(at, Math.min(at + READ_BYTES, to)).arrayBuffer() : null);
  let next = piece(from);
  for (let at = from; at < to; at += READ_BYTES) {
    const bytes = new Uint8Array(await next);
    if (bytes.length !== Math.min(READ_BYTES, to - at)) throw new DOMException("shorter", "NotReadableError");
    next = piece(at + READ_BYTES);
    next?.catch(() => undefined); // it is awaited above, unless nobody wants it any more
    yield bytes;
  }
}

/** One stream on its channel: fills messages, and waits where the window or the browser's queue is full. */
class Run {
  constructor(link, id, generation) {
    this.channel = link.openStream(`files/${id}/${generation}`);
    this.channel.bufferedAmountLowThreshold = QUEUE_BYTES / 2;
    this.buffer = new Uint8Array(link.messageBytes);
    this.filled = 0;
    this.inMessage = 0; // bytes of DATA in it
    this.sent = 0;
    this.acknowledged = 0;
    this.stopped = false;
    this.wake = () => undefined;
    for (const event of ["open", "close", "bufferedamountlow"]) this.channel.addEventListener(event, () => this.wake());
  }

  stop() {
    this.stopped = true;
    this.channel.close();
    this.wake();
  }

  check() {
    if (this.stopped || ["closing", "closed"].includes(this.channel.readyState)) throw new Error("stopped");
  }

  async until(ready) {
    for (this.check(); !ready(); this.check()) await new Promise((resolve) => (this.wake = resolve));
  }

  open() {
    return this.until(() => this.channel.readyState === "open");
  }

  get room() {
    return this.buffer.length - this.filled;
  }

  async flush() {
    if (!this.filled) return;
    const size = this.inMessage;
    await this.until(
      () =>
        this.channel.bufferedAmount < QUEUE_BYTES &&
        (this.sent <= this.acknowledged || this.sent + size - this.acknowledged <= WINDOW_BYTES),
    );
    this.channel.send(this.buffer.subarray(0, this.filled)); // copied by the browser: the buffer is ours again
    this.sent += size;
    this.filled = this.inMessage = 0;
  }

  put(kind, index, bytes) {
    this.buffer[this.filled] = kind;
    this.buffer.set(u32(index), this.filled + 1);
    this.buffer.set(u32(bytes.length), this.filled + 5);
    this.buffer.set(bytes, this.filled + HEADER);
    this.filled += HEADER + bytes.length;
  }

  async record(kind, index, bytes) {
    if (this.room < HEADER + bytes.length) await this.flush();
    this.check();
    this.put(kind, index, bytes);
  }

  async data(index, bytes) {
    for (let at = 0; at < bytes.length; ) {
      if (this.room < HEADER + Math.min(bytes.length - at, LEAST_DATA)) await this.flush();
      this.check();
      const length = Math.min(this.room - HEADER, bytes.length - at);
      this.put(DATA, index, bytes.subarray(at, at + length));
      this.inMessage += length;
      at += length;
    }
  }
}
