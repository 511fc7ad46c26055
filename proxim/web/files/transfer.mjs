// What outgoing and incoming transfers have in common: state, progress, speed and end.

// The kinds of record. A record begins with its kind, u32 file and u32 length (docs/protocol.md,
// Files).
export const START = 1;
export const DATA = 2;
export const END = 3;
export const FAILED = 4;
export const HEADER_BYTES = 9;
export const MAX_PATH_BYTES = 1024;
// The speed is measured over this many marks, with this time between them.
const MARKS = 4;
const MARK_MS = 1_000;
/** @type {TransferState[]} */
const OVER = ["done", "cancelled", "failed"];
// A cancel that was sent so shortly before a link was lost may not have arrived. The program uses the
// same time (core/files/incoming.py).
const UNACKNOWLEDGED_MS = 10_000;
// A peer's cancel for one of these is a decision and no failure.
const REFUSALS = ["declined", "unattended", "one_file_only", "cancelled"];

/** One transfer. A subclass says what its messages mean, and what stops with a link. */
export class Transfer {
  outgoing = false;
  accepted = false;
  /**
   * Why it is over, unless it is done
   * @type {string | null}
   */
  reason = null;
  size = 0;
  // How many of these bytes have been moved.
  moved = 0;
  /** @type {Entry[]} */
  entries = [];
  /** @type {FailedFile[]} */
  failed = [];
  // What the sender leaves out of what was chosen
  /** @type {LeftOutFile[]} */
  leftOut = [];
  // Which files have other names at the receiver, once it is over
  /** @type {RenamedFile[]} */
  renamed = [];
  // Which files of an incoming transfer have arrived or failed
  /** @type {Set<number>} */
  finishedFiles = new Set();
  /** @type {ArrivedFile[]} */
  saved = [];
  // How many of these the browser was not given yet
  unsaved = 0;
  // Whether it was cancelled here, and the peer may not know
  unacknowledged = false;
  cancelledAt = -Infinity;
  /** @type {{ when: number, moved: number }[]} */
  marks = [];

  /**
   * @param {string} id
   * @param {Transfers} owner
   * @param {TransferState} [state]
   */
  constructor(id, owner, state = "waiting") {
    this.id = id;
    this.owner = owner;
    this.state = state;
  }

  /**
   * Continue a transfer that was kept.
   * @param {FoundTransfer} found
   */
  restore({ entries, size, failed, finishedFiles }) {
    this.entries = entries;
    this.size = size;
    this.failed = failed;
    this.finishedFiles = finishedFiles;
    this.accepted = true;
    this.state = "waiting";
  }

  /** @param {Partial<KeptTransfer>} [more] */
  keep(more) {
    const { outgoing, entries, size } = this;
    this.owner.store.put({ outgoing, entries, size, ...more }, this.id);
  }

  get over() {
    return OVER.includes(this.state);
  }

  /** The speed in bytes per second; 0 if it is not known. */
  get speed() {
    const first = this.marks.at(0);
    if (!first) return 0;
    return ((this.moved - first.moved) * 1000) / (performance.now() - first.when);
  }

  /** @param {TransferState} state */
  become(state) {
    this.state = state;
    this.marks = [];
    this.progressed();
  }

  progressed() {
    const now = { when: performance.now(), moved: this.moved };
    if (now.when - (this.marks.at(-1)?.when ?? -Infinity) > MARK_MS) {
      this.marks = [...this.marks, now].slice(-MARKS);
    }
    this.owner.onChange(this);
  }

  /**
   * @param {string} type
   * @param {Message} fields
   */
  send(type, fields) {
    this.owner.link?.send({ type, transferID: this.id, ...fields });
  }

  /**
   * @param {string} type
   * @param {string} field
   * @param {unknown[]} list
   * @param {Message} [last]
   */
  sendList(type, field, list, last) {
    this.owner.link?.sendList({ type, transferID: this.id }, field, list, last);
  }

  /**
   * End a transfer all of whose wanted files have arrived or failed.
   * @param {number} wanted
   */
  conclude(wanted) {
    if (!this.failed.length) this.finish("done");
    else if (this.failed.length < wanted) this.finish("failed", "some_files_failed");
    else this.finish("failed", String(this.failed[0].reason));
  }

  /**
   * @param {string} reason
   * @param {TransferState} state
   */
  cancel(reason = "cancelled", state = "cancelled") {
    // A second tap comes too late.
    if (this.over) return;
    if (this.state === "arriving") this.owner.refused.add(this.id);
    this.unacknowledged = !this.owner.link;
    this.cancelledAt = Date.now();
    this.send("cancel", { reason });
    this.finish(state, reason);
  }

  /**
   * Handle a message; return false if it makes no sense now.
   * @param {Message} message
   * @returns {boolean}
   */
  message({ type, reason }) {
    if (type === "cancel") {
      const why = String(reason ?? "cancelled");
      this.finish(REFUSALS.includes(why) ? "cancelled" : "failed", why);
    }
    return true;
  }

  /**
   * @param {TransferState} state
   * @param {string | null} reason
   */
  finish(state, reason = null) {
    this.stop();
    this.reason = reason;
    this.owner.store.forget(this.id);
    this.become(state);
  }

  /** Stop what moves its bytes. */
  stop() {}

  /** The link is over. What was never accepted is over with it, at the peer as well. */
  linkDown() {
    const isRecent = Date.now() - this.cancelledAt < UNACKNOWLEDGED_MS;
    if (this.accepted && isRecent) this.unacknowledged = true;
  }
}
