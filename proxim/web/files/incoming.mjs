// One transfer that this page receives.

import { toBase64url } from "../pairing/ask.mjs";
import { equalBytes } from "../bytes.mjs";
import { leafName } from "../sanitize.mjs";
import { IncomingFile } from "./incoming_file.mjs";
import { DATA, END, FAILED, HEADER_BYTES, START, Transfer } from "./transfer.mjs";

const MAX_ENTRIES = 20_000;
// Progress is reported after this many bytes, or with the first record after this time.
const REPORT_BYTES = 1024 * 1024;
const REPORT_MS = 100;

/**
 * Records that break the rules throw the error that reading beyond a record's end throws as well.
 * @param {unknown} fact
 * @returns {asserts fact}
 */
function assertThat(fact) {
  if (!fact) throw new RangeError("not what was accepted");
}

/** @param {any} entry */
const isSound = (entry) =>
  typeof entry?.path === "string" &&
  (entry.directory || (Number.isSafeInteger(entry.size) && entry.size >= 0));

export class Incoming extends Transfer {
  // The list while it arrives, and the state before
  /** @type {Entry[]} */
  list = [];
  /** @type {TransferState} */
  stateBefore = "waiting";
  // The file that is arriving, and the channel that its last record came by.
  /** @type {{ index: number, content: IncomingFile, channel: RTCDataChannel | null } | null} */
  file = null;
  /** @type {RTCDataChannel | null} */
  channel = null;
  // Counts of bytes that have arrived since the stream was accepted, and when they were reported.
  written = 0;
  reported = 0;
  reportedAt = 0;

  /**
   * @param {string} id
   * @param {Transfers} owner
   */
  constructor(id, owner) {
    super(id, owner, "waiting");
  }

  /**
   * @override
   * @param {FoundTransfer} found
   */
  restore(found) {
    super.restore(found);
    for (const index of this.finishedFiles) this.moved += this.entries[index].size;
    const { part } = found;
    if (part && !this.finishedFiles.has(part.index)) this.begin(part);
  }

  /**
   * The sender announces the transfer, or some of its list; return false if it makes no sense now.
   * @param {Message} message
   */
  announced({ files, more }) {
    if (this.state === "asked" || this.state === "active") return false;
    if (!Array.isArray(files) || !files.every(isSound)) return false;
    if (this.state !== "arriving") {
      this.stateBefore = this.state;
      this.state = "arriving";
      this.list = [];
    }
    for (const { path, size, modified, directory } of files) {
      this.list.push({ path, size: directory ? 0 : size, modified, directory });
    }
    if (this.list.length > MAX_ENTRIES) this.cancel("too_many_files", "failed");
    else if (more !== true) this.listArrived();
    return true;
  }

  /** Ask the person, or go on without asking with a list that was accepted before. */
  listArrived() {
    const { list } = this;
    const mayGoOn = this.accepted && ["waiting", "done"].includes(this.stateBefore);
    if (mayGoOn && JSON.stringify(list) === JSON.stringify(this.entries)) {
      this.open();
      return;
    }
    this.dropFile();
    this.entries = list;
    this.size = list.reduce((total, entry) => total + entry.size, 0);
    this.moved = 0;
    this.accepted = false;
    this.finishedFiles = new Set();
    this.failed = [];
    this.saved = [];
    this.become("asked");
  }

  /** The person accepts. */
  accept() {
    // A second tap comes too late.
    if (this.state !== "asked") return;
    this.accepted = true;
    this.keep();
    this.open();
  }

  /** The person declines. */
  decline() {
    if (this.state === "asked") this.cancel("declined");
  }

  /** Tell the sender what is already here; the rest follows on a channel. */
  open() {
    this.channel = null;
    this.written = this.reported = this.reportedAt = 0;
    const partial = [];
    if (this.file) {
      const { index, content } = this.file;
      const sha256 = toBase64url(content.hash.digest());
      partial.push({ file: index, offset: content.bytes, sha256 });
    }
    const spans = Array.from(this.finishedFiles, (index) => [index, 1]);
    this.sendList("accept", "skip", spans, { partial });
    this.become("active");
    // If everything is here already, no record will come.
    this.lookForEnd();
  }

  /**
   * Receive the bytes from a channel; return false if none is expected.
   * @param {RTCDataChannel} channel
   */
  receiveFrom(channel) {
    if (this.state !== "active" || this.channel) return false;
    this.channel = channel;
    channel.onmessage = ({ data }) => {
      // The channel of an earlier link may still deliver.
      if (this.channel === channel) this.readRecords(data);
    };
    return true;
  }

  /** @override */
  linkDown() {
    this.channel = null;
    if (this.over) return;
    if (this.accepted) this.become("waiting");
    else this.finish("cancelled", "peer_left");
  }

  /** @param {ArrayBuffer} data */
  readRecords(data) {
    const finishedBefore = this.finishedFiles.size;
    try {
      const view = new DataView(data);
      for (let at = 0; at < data.byteLength;) {
        const kind = view.getUint8(at);
        const index = view.getUint32(at + 1);
        const length = view.getUint32(at + 5);
        this.record(kind, index, new Uint8Array(data, at + HEADER_BYTES, length));
        at += HEADER_BYTES + length;
        this.owner.link?.working();
      }
    } catch (error) {
      // A DataView throws a RangeError beyond its end; for a message of text it throws a TypeError.
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      this.cancel("transfer_failed", "failed");
      return;
    }
    const isLate = Date.now() - this.reportedAt >= REPORT_MS;
    if (isLate || this.written - this.reported >= REPORT_BYTES) this.report();
    if (this.finishedFiles.size > finishedBefore) this.keep();
    this.lookForEnd();
  }

  report() {
    if (this.written === this.reported) return;
    this.reported = this.written;
    this.reportedAt = Date.now();
    this.send("progress", { generation: 0, written: this.written });
    this.progressed();
  }

  /**
   * @param {number} kind
   * @param {number} index
   * @param {Uint8Array<ArrayBuffer>} payload
   */
  record(kind, index, payload) {
    const entry = this.entries[index];
    assertThat(entry && !entry.directory && !this.finishedFiles.has(index));
    const content = this.contentOf(index, kind === START ? readOffset(payload) : null);
    if (kind === DATA) {
      assertThat(content.bytes + payload.length <= entry.size);
      content.append(payload);
      this.written += payload.length;
      this.moved += payload.length;
    } else if (kind === END) {
      const blob = content.blob();
      // The browser may have lost a piece.
      const isWhole = blob.size === entry.size && equalBytes(payload, content.hash.digest());
      if (isWhole) this.fileArrived(index, blob);
      else this.fileFailed(index, "file_damaged");
    } else if (kind === FAILED) {
      this.fileFailed(index, String.fromCharCode(...payload));
    } else {
      assertThat(kind === START);
    }
  }

  /**
   * Return the content that a record belongs to. A START record gives the offset at which it
   * continues; without one a new stream begins the file anew.
   * @param {number} index
   * @param {number | null} startOffset
   */
  contentOf(index, startOffset) {
    const continues = startOffset === null && this.file?.channel === this.channel;
    const resumes = startOffset !== null && startOffset > 0;
    if (!this.file || this.file.index !== index || !(continues || resumes)) this.begin({ index });
    const file = /** @type {NonNullable<typeof this.file>} */ (this.file);
    file.channel = this.channel;
    assertThat(startOffset === null || startOffset === file.content.bytes);
    return file.content;
  }

  /**
   * Begin to receive a file, or continue one of which a part was kept.
   * @param {Partial<KeptFile> & { index: number }} part
   */
  begin({ index, blobs, hash }) {
    this.dropFile();
    const { store } = this.owner;
    const content = new IncomingFile(
      (piece, number) => store.put(piece, this.id, index, number),
      blobs,
      hash,
    );
    this.file = { index, content, channel: null };
    this.moved += content.bytes;
  }

  /** Forget what has arrived of the present file. */
  dropFile() {
    if (!this.file) return;
    const { index, content } = this.file;
    this.moved -= content.bytes;
    if (content.blobs.length) this.owner.store.forget(this.id, index);
    this.file = null;
  }

  /**
   * @param {number} index
   * @param {Blob} blob
   */
  fileArrived(index, blob) {
    const { path, size } = this.entries[index];
    this.finishedFiles.add(index);
    this.saved.push({ name: leafName(path), blob });
    this.dropFile();
    // That has subtracted the file's bytes, which now count for good.
    this.moved += size;
  }

  /**
   * @param {number} index
   * @param {string} reason
   */
  fileFailed(index, reason) {
    this.finishedFiles.add(index);
    this.failed.push({ file: index, reason });
    this.dropFile();
  }

  lookForEnd() {
    const wanted = this.entries.filter((entry) => !entry.directory).length;
    if (this.state !== "active" || this.finishedFiles.size < wanted) return;
    this.report();
    this.sendList("finished", "failed", this.failed);
    this.conclude(wanted);
  }

  /** @override */
  stop() {
    this.channel = this.file = null;
  }
}

/**
 * Return the offset in a START record.
 * @param {Uint8Array} payload
 */
function readOffset({ buffer, byteOffset, byteLength }) {
  return Number(new DataView(buffer, byteOffset, byteLength).getBigUint64(0));
}
