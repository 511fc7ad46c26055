// All transfers: the feature of a link that routes their messages, decides which may start, and
// resumes them over a new link.

import { randomID } from "../pairing/ask.mjs";
import { Incoming } from "./incoming.mjs";
import { Outgoing } from "./outgoing.mjs";

const MAX_SENDING = 3;
const MAX_UNDECIDED = 8;
const MAX_UNFINISHED = 64;
// Further ones that are over are forgotten.
const MAX_REMEMBERED = 50;
const MAX_TAGS = 64;
// A browser's database may never answer. The host keeps the place of a lost link for 2 minutes.
const RESTORE_MS = 5_000;
const LOAD_AGAIN_MS = 2_000;
const ID = /^[\w-]{22}$/;
// The generation is always 0, as a browser has no second way to send a stream.
const CHANNEL_LABEL = /^files\/([\w-]{22})\/0$/;

export class Transfers {
  word = "files";
  // While it is up and the peer knows files as well
  /** @type {Link | null} */
  link = null;
  /** @type {Map<string, Incoming | Outgoing>} */
  all = new Map();
  /**
   * Why the session is over
   * @type {string | null}
   */
  endReason = null;
  // The ids of announcements whose rest is refused
  /** @type {Set<string>} */
  refused = new Set();

  /**
   * `onChange` is called with each transfer that has changed.
   * @param {(transfer: Transfer) => void} onChange
   * @param {TransferStore} store
   */
  constructor(onChange, store) {
    this.onChange = onChange;
    this.store = store;
  }

  get outgoing() {
    return [...this.all.values()].filter((one) => one instanceof Outgoing);
  }

  get incoming() {
    return [...this.all.values()].filter((one) => one instanceof Incoming);
  }

  get alive() {
    return [...this.all.values()].filter((one) => !one.over);
  }

  get isMoving() {
    return [...this.all.values()].some((one) => one.state === "active" || one.unsaved);
  }

  /** @param {Incoming | Outgoing} transfer */
  add(transfer) {
    const over = [...this.all.values()].filter((one) => one.over && !one.unsaved);
    for (const { id } of over.slice(0, -MAX_REMEMBERED)) this.all.delete(id);
    this.all.set(transfer.id, transfer);
    this.onChange(transfer);
    // The session ended while the person was choosing files, or while the store was read.
    if (this.endReason && !transfer.over) transfer.finish("failed", this.endReason);
  }

  /**
   * Send files. Transfers that lost theirs with the page continue with those that they ask for.
   * @param {ChosenFile[]} files
   */
  send(files) {
    const others = this.outgoing.reduce((left, one) => one.supply(left), files);
    if (!others.length) return;
    const transfer = new Outgoing(randomID(), this, others);
    this.add(transfer);
    if (this.link) transfer.announce();
  }

  /** Continue what an earlier page of this tab has kept, if the browser gives it back in time. */
  async restore() {
    /** @type {Promise<FoundTransfer[]>} */
    const late = new Promise((resolve) => setTimeout(() => resolve([]), RESTORE_MS));
    for (const found of await Promise.race([this.store.load(), late])) {
      const transfer = new (found.outgoing ? Outgoing : Incoming)(found.id, this);
      transfer.restore(found);
      this.add(transfer);
    }
  }

  /** @param {Link} link */
  linkUp(link) {
    this.link = link;
    // Finished transfers are included, as the sender may not have received their end.
    const accepted = this.incoming.filter((one) => one.accepted);
    this.askFor(
      link,
      accepted.filter((one) => !one.pending),
    );
    for (const one of accepted) if (one.pending) this.restoreLate(link, one);
    for (const one of this.outgoing) if (one.state === "announced") one.announce();
  }

  /**
   * Ask for the rest of transfers.
   * @param {Link} link
   * @param {Incoming[]} transfers
   */
  askFor(link, transfers) {
    const { proof } = link;
    if (!proof) return;
    const tags = transfers.map(({ id }) => proof.resumeTag(id));
    while (tags.length) link.send({ type: "resume", tags: tags.splice(0, MAX_TAGS) });
  }

  /**
   * Continue a transfer for which a part of the page is missing, once that can be loaded.
   * @param {Link} link
   * @param {Incoming} transfer
   */
  async restoreLate(link, transfer) {
    while (this.link === link && !transfer.over && transfer.pending) {
      await transfer.restorePending();
      if (transfer.pending) await new Promise((resolve) => setTimeout(resolve, LOAD_AGAIN_MS));
    }
    if (this.link !== link || transfer.over) return;
    this.onChange(transfer);
    this.askFor(link, [transfer]);
  }

  linkDown() {
    this.link = null;
    this.refused.clear();
    for (const one of this.all.values()) one.linkDown();
  }

  /**
   * End all transfers, as the session has ended for this reason.
   * @param {string} reason
   */
  end(reason) {
    this.endReason = reason;
    this.linkDown();
    for (const one of this.alive) one.finish("failed", reason);
  }

  /** @param {Message} message */
  message(message) {
    const { type, transferID } = message;
    if (!this.link) return false;
    if (type === "resume") {
      this.resume(this.link, message.tags);
      return true;
    }
    if (!ID.test(transferID)) return false;
    if (type === "announce") return this.announced(message);
    const transfer = this.all.get(transferID);
    // A message about a transfer that is over or unknown may have been sent before its end arrived.
    return !transfer || transfer.over || transfer.message(message);
  }

  /**
   * The peer asks for the transfers with these tags.
   * @param {Link} link
   * @param {string[]} tags
   */
  resume({ proof }, tags) {
    if (!proof) return;
    for (const one of this.outgoing) if (tags.includes(proof.resumeTag(one.id))) one.resume();
  }

  /** @param {Message} message */
  announced(message) {
    const { transferID, more } = message;
    // The rest of a refused list would be read as another whole one.
    const isRead = this.refused.has(transferID) || this.announcedPiece(message);
    if (more !== true) this.refused.delete(transferID);
    return isRead;
  }

  /** @param {Message} message */
  announcedPiece(message) {
    const { transferID } = message;
    const known = this.all.get(transferID);
    const unfinished = this.incoming.filter((one) => !one.over);
    const undecided = unfinished.filter(({ state }) => state === "arriving" || state === "asked");
    const isFull = undecided.length >= MAX_UNDECIDED || unfinished.length >= MAX_UNFINISHED;
    const isNew = !known || (known.over && !known.accepted);
    const refusal = isNew && isFull && "too_many_transfers";
    const reason = known?.unacknowledged ? known.reason : refusal;
    if (reason) {
      this.link?.send({ type: "cancel", transferID, reason });
      this.refused.add(transferID);
      if (known) known.unacknowledged = false;
      return true;
    }
    const transfer = known ?? new Incoming(transferID, this);
    if (!known) this.add(transfer);
    return transfer instanceof Incoming && transfer.announced(message);
  }

  /** @param {RTCDataChannel} channel */
  channel(channel) {
    const id = CHANNEL_LABEL.exec(channel.label)?.[1];
    const transfer = id && this.all.get(id);
    return transfer instanceof Incoming && transfer.receiveFrom(channel);
  }

  /** Start as many transfers as may send at once. */
  startReady() {
    const sending = this.outgoing.filter(({ state }) => state === "active").length;
    const ready = this.outgoing.filter(({ state }) => state === "ready");
    for (const one of ready.slice(0, Math.max(0, MAX_SENDING - sending))) one.start();
  }
}
