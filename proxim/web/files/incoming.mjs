// One transfer that this page receives.

import { toBase64url } from "../pairing/ask.mjs";
import { equalBytes, utf8 } from "../bytes.mjs";
import { savedName } from "../sanitize.mjs";
import { Sha256 } from "../sha256.mjs";
import { DATA, END, FAILED, HEADER_BYTES, MAX_PATH_BYTES, START, Transfer } from "./transfer.mjs";

const MAX_ENTRIES = 20_000;
const MAX_LIST_BYTES = 4 * 1024 * 1024;
// Progress is reported after this many bytes, or with the first record after this time.
const REPORT_BYTES = 1024 * 1024;
const REPORT_MS = 100;
const PIECE_BYTES = 4 * 1024 * 1024;
// At least this many milliseconds pass between two pieces that are kept; smaller pieces cost speed.
const KEEP_MS = 1_000;

/**
 * Records that break the rules throw the error that reading beyond a record's end throws as well.
 * @param {unknown} fact
 * @returns {asserts fact}
 */
function assertThat(fact) {
  if (!fact) throw new RangeError("not what was accepted");
}

/** Load what makes archives, which only a person who wants one needs; null without a network. */
const loadArchiving = () => import("./archive.mjs").catch(() => null);

/** @param {any} entry */
const isNamed = (entry) =>
  typeof entry?.path === "string" && entry.path && utf8(entry.path).length <= MAX_PATH_BYTES;

/** @param {any} entry */
const isSound = (entry) =>
  isNamed(entry) && (entry.directory || (Number.isSafeInteger(entry.size) && entry.size >= 0));

/** @typedef {{ index: number, content: IncomingFile, channel: RTCDataChannel | null }} ArrivingFile */

export class Incoming extends Transfer {
  // The list while it arrives, its paths' bytes, and the state before
  /** @type {Entry[]} */
  list = [];
  listBytes = 0;
  /** @type {TransferState} */
  stateBefore = "waiting";
  // How many of the entries are files
  wanted = 0;
  // The file that is arriving, and the channel that its last record came by.
  /** @type {ArrivingFile | null} */
  file = null;
  // What an earlier stream brought of a file, while this one brings others before it
  /** @type {ArrivingFile | null} */
  later = null;
  /** @type {RTCDataChannel | null} */
  channel = null;
  // Counts of bytes that have arrived since the stream was accepted, and when they were reported.
  written = 0;
  reported = 0;
  reportedAt = 0;
  /**
   * What arrives is packed here, unless the files are saved one by one.
   * @type {Archive | null}
   */
  archive = null;
  // The name of the archive, once it was passed on
  packedAs = "";
  /** @type {((bytes: Uint8Array, before: number) => number) | undefined} */
  crc32 = undefined;
  /**
   * What was kept, until what makes archives is loaded
   * @type {FoundTransfer | null}
   */
  pending = null;

  /** Whether every file has arrived or failed. */
  get isHere() {
    return this.finishedFiles.size >= this.wanted;
  }

  /** Whether there is more than one thing, so that an archive makes sense. */
  get isSeveral() {
    return this.entries.length > 1 || Boolean(this.entries[0]?.directory);
  }

  /**
   * @override
   * @param {FoundTransfer} found
   * @param {Awaited<ReturnType<typeof loadArchiving>>} [archiving]
   */
  restore(found, archiving) {
    super.restore(found);
    this.wanted = countFiles(this.entries);
    // The link does not wait for what has to be loaded.
    this.pending = found.archived && !archiving ? found : null;
    if (this.pending) return;
    if (archiving) this.beginArchive(archiving);
    for (const [index, { blobs, crc32 }] of found.archivedFiles) {
      const size = sizeOf(blobs);
      // The browser may have lost a piece.
      if (size !== this.entries[index].size) this.owner.store.forget(this.id, index);
      else {
        this.archive?.files.set(index, { blobs, size, crc32 });
        this.finishedFiles.add(index);
      }
    }
    for (const index of this.arrivedFiles()) this.moved += this.entries[index].size;
    if (found.part) this.begin(found.part);
  }

  /** Go on with what was kept for an archive, if what makes archives can be loaded now. */
  async restorePending() {
    const archiving = await loadArchiving();
    if (this.pending && archiving) this.restore(this.pending, archiving);
  }

  /** @param {NonNullable<Awaited<ReturnType<typeof loadArchiving>>>} module */
  beginArchive({ Archive, crc32 }) {
    this.archive = new Archive(this.entries);
    this.crc32 = crc32;
  }

  /**
   * The sender announces the transfer, or some of its list; return false if it makes no sense now.
   * @param {Message} message
   */
  announced({ files, left_out, more }) {
    const leftOut = left_out ?? [];
    if (this.pending || this.state === "asked" || this.state === "active") return false;
    if (!Array.isArray(files) || !files.every(isSound)) return false;
    if (!leftOut.every(isNamed)) return false;
    if (this.state !== "arriving") {
      this.stateBefore = this.state;
      this.state = "arriving";
      this.list = [];
      this.listBytes = 0;
      this.leftOut = [];
    }
    for (const { path, reason } of leftOut) {
      this.listBytes += utf8(path).length;
      this.leftOut.push({ path, reason: String(reason) });
    }
    for (const { path, size, modified, directory, executable } of files) {
      this.listBytes += utf8(path).length;
      // A null stands for no time.
      const when = Number.isSafeInteger(modified) ? modified : undefined;
      this.list.push({ path, size: directory ? 0 : size, modified: when, directory, executable });
    }
    const count = Math.max(this.list.length, this.leftOut.length);
    const isTooLong = count > MAX_ENTRIES || this.listBytes > MAX_LIST_BYTES;
    if (isTooLong) this.cancel("too_many_files", "failed");
    else if (more !== true) this.listArrived();
    return true;
  }

  /** Ask the person, or go on without asking with a list that was accepted before. */
  listArrived() {
    const { list } = this;
    if (!list.length) {
      this.cancel("nothing_to_send", "failed");
      return;
    }
    // The sender may not have heard how it ended.
    const hasConcluded = this.stateBefore === "done" || this.reason === "some_files_failed";
    const mayGoOn = this.accepted && (this.stateBefore === "waiting" || hasConcluded);
    if (mayGoOn && JSON.stringify(list) === JSON.stringify(this.entries)) {
      this.open();
      return;
    }
    this.dropFile();
    this.later = null;
    this.entries = list;
    this.wanted = countFiles(list);
    this.size = list.reduce((total, entry) => total + entry.size, 0);
    this.moved = 0;
    this.accepted = false;
    this.finishedFiles = new Set();
    this.failed = [];
    this.saved = [];
    this.unsaved = 0;
    this.archive = null;
    this.packedAs = "";
    this.crc32 = undefined;
    this.become("asked");
  }

  /**
   * The person accepts, and wants one archive or each file by itself. Return false if that cannot be
   * done now, so that the question stays.
   */
  async accept(archived = false) {
    // A second tap comes too late.
    if (this.state !== "asked") return true;
    if (archived) {
      const { entries } = this;
      const archiving = await loadArchiving();
      // The person has tapped something else meanwhile, or there is another question.
      if (this.state !== "asked" || entries !== this.entries) return true;
      if (!archiving) return false;
      this.beginArchive(archiving);
    }
    this.accepted = true;
    this.keep({ archived });
    this.open();
    return true;
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
    for (const part of [this.file, this.later]) {
      if (!part) continue;
      const { index, content } = part;
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
    super.linkDown();
    this.channel = null;
    // A list that never became whole changes nothing.
    if (this.state === "arriving") this.state = this.stateBefore;
    if (this.over) return;
    if (this.accepted) this.become("waiting");
    else this.finish("cancelled", "peer_left");
  }

  /** @param {ArrayBuffer} data */
  readRecords(data) {
    const { channel } = this;
    try {
      const view = new DataView(data);
      for (let at = 0; at < data.byteLength;) {
        const kind = view.getUint8(at);
        const index = view.getUint32(at + 1);
        const length = view.getUint32(at + 5);
        this.record(kind, index, new Uint8Array(data, at + HEADER_BYTES, length));
        at += HEADER_BYTES + length;
        this.owner.link?.working();
        // The page was suspended for so long that this has ended the link.
        if (this.channel !== channel) return;
      }
    } catch (error) {
      // A DataView throws a RangeError beyond its end; for a message of text it throws a TypeError.
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      this.cancel("transfer_failed", "failed");
      return;
    }
    const isLate = Date.now() - this.reportedAt >= REPORT_MS;
    if (isLate || this.written - this.reported >= REPORT_BYTES) this.report();
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
      assertThat(payload.length && content.bytes + payload.length <= entry.size);
      content.append(payload);
      this.written += payload.length;
      this.moved += payload.length;
    } else if (kind === END) {
      // The browser may have lost a piece.
      const isWhole = content.size === entry.size && equalBytes(payload, content.hash.digest());
      if (isWhole) this.fileArrived(index, content);
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
    if (this.file && this.file.channel !== this.channel && this.file.index > index) {
      this.later = this.file;
      this.file = null;
    } else if (!this.file && this.later?.index === index) {
      this.file = this.later;
      this.later = null;
    }
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
  begin({ index, ...kept }) {
    this.dropFile();
    const { store } = this.owner;
    const content = new IncomingFile(
      (piece, number) => store.put(piece, this.id, index, number),
      kept,
      this.crc32,
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
   * @param {IncomingFile} content
   */
  fileArrived(index, content) {
    this.finishedFiles.add(index);
    if (this.archive) {
      content.keepRest();
      const { blobs, size, crc32 } = content;
      this.archive.files.set(index, { blobs, size, crc32 });
      this.owner.store.add({ file: index, crc32 }, this.id, index);
    } else {
      // A page that is loaded again does not need a file that the browser was given.
      this.passOn(savedName(this.entries[index].path), content.blob(), () =>
        this.owner.store.put({ file: index }, this.id, index),
      );
    }
    // Its bytes and its pieces stay.
    this.file = null;
    this.owner.onChange(this);
  }

  /**
   * Pass a file to the view, which gives it to the browser. After that, `keep` is called unless the
   * transfer is over.
   * @param {string} name
   * @param {Blob} blob
   * @param {() => void} [keep]
   */
  passOn(name, blob, keep) {
    const { entries } = this;
    this.unsaved++;
    const done = () => {
      if (entries !== this.entries) return;
      this.unsaved--;
      this.owner.onChange(this);
      if (this.over) return;
      keep?.();
      this.lookForEnd();
    };
    this.saved.push({ name, blob, done });
  }

  /** Pass the archive on, once; return whether there was something to pass on. */
  passArchiveOn() {
    const { archive } = this;
    if (!archive || archive.isEmpty || this.packedAs) return false;
    this.packedAs = archive.name;
    this.passOn(archive.name, archive.blob());
    return true;
  }

  /**
   * @param {number} index
   * @param {string} reason
   */
  fileFailed(index, reason) {
    const failed = { file: index, reason };
    this.finishedFiles.add(index);
    this.failed.push(failed);
    this.dropFile();
    this.owner.store.put(failed, this.id, index);
  }

  /** What the browser was not given yet could still be lost, so it counts as missing. */
  lookForEnd() {
    if (!["active", "waiting"].includes(this.state) || this.unsaved) return;
    if (!this.isHere) return;
    if (this.passArchiveOn()) {
      this.owner.onChange(this);
      return;
    }
    this.report();
    this.renamed = this.findRenamed();
    if (this.renamed.length) this.sendList("finished", "renamed", this.renamed, { more: true });
    this.sendList("finished", "failed", this.failed);
    this.conclude(this.wanted);
  }

  /** The files that have arrived, by their places in the list. */
  arrivedFiles() {
    const arrived = new Set(this.finishedFiles);
    for (const { file } of this.failed) arrived.delete(file);
    return arrived;
  }

  /** What the browser was given under another name, or has another one in the archive. */
  findRenamed() {
    if (this.archive) return this.packedAs ? this.archive.renamed() : [];
    return Array.from(this.arrivedFiles(), (index) => this.entries[index])
      .map(({ path }) => ({ path, name: savedName(path) }))
      .filter(({ path, name }) => path.split("/").pop()?.normalize("NFC") !== name);
  }

  /**
   * @override
   * @param {TransferState} state
   * @param {string | null} [reason]
   */
  finish(state, reason) {
    // What has arrived stays, as it does where files are saved one by one.
    if (this.archive?.files.size) this.passArchiveOn();
    if (state !== "done") this.renamed = this.findRenamed();
    super.finish(state, reason);
  }

  /** @override */
  stop() {
    this.channel = this.file = this.later = null;
  }
}

/** @param {Entry[]} entries */
const countFiles = (entries) => entries.filter(({ directory }) => !directory).length;

/** @param {Blob[]} blobs */
const sizeOf = (blobs) => blobs.reduce((total, { size }) => total + size, 0);

/**
 * Return the offset in a START record.
 * @param {Uint8Array} payload
 */
function readOffset({ buffer, byteOffset, byteLength }) {
  return Number(new DataView(buffer, byteOffset, byteLength).getBigUint64(0));
}

/**
 * The bytes of one file until it is complete. Pages over http cannot write files, but they have
 * Blobs, which Chromium moves to its disk (storage/browser/blob/README.md).
 */
class IncomingFile {
  /**
   * What has arrived since the last blob
   * @type {Uint8Array<ArrayBuffer>[]}
   */
  parts = [];
  partsBytes = 0;
  keptAt = -Infinity;

  /**
   * Continues after what was kept. Each further piece is passed to `keep`.
   * @param {(piece: KeptPiece, number: number) => void} keep
   * @param {Omit<KeptFile, "index" | "blobs"> & { blobs?: Blob[] }} kept
   * @param {(bytes: Uint8Array, before: number) => number} [crc32Of] only an archive needs it
   */
  constructor(keep, { blobs = [], hash, crc32 = 0 }, crc32Of = () => 0) {
    this.keep = keep;
    this.blobs = blobs;
    this.hash = new Sha256(hash);
    this.crc32 = crc32;
    this.crc32Of = crc32Of;
  }

  get bytes() {
    return this.hash.length;
  }

  get size() {
    return sizeOf(this.blobs) + this.partsBytes;
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  append(bytes) {
    this.hash.update(bytes);
    this.crc32 = this.crc32Of(bytes, this.crc32);
    this.parts.push(bytes);
    this.partsBytes += bytes.length;
    const now = performance.now();
    if (this.partsBytes < PIECE_BYTES || now - this.keptAt < KEEP_MS) return;
    this.keptAt = now;
    this.keepRest();
  }

  /** Make what has arrived since the last piece another one. */
  keepRest() {
    if (!this.partsBytes) return;
    const blob = new Blob(this.parts);
    this.parts = [];
    this.partsBytes = 0;
    const { crc32 } = this;
    this.keep({ blob, hash: new Sha256(this.hash), crc32 }, this.blobs.length);
    this.blobs.push(blob);
  }

  /** The whole file. With this type a browser saves it and never shows or runs it as our page. */
  blob() {
    return new Blob([...this.blobs, ...this.parts], { type: "application/octet-stream" });
  }
}
