// All transfers of this page: which message and which stream belongs to which, who may move, what goes on over a new link.
// Must never be here: how one of them runs (outgoing.mjs, incoming.mjs), what a person sees.

import { toBase64url } from "./hash.mjs";
import { Incoming, readEntries } from "./incoming.mjs";
import { Outgoing } from "./outgoing.mjs";
import { resumeTag } from "./proof.mjs";

const MAX_MOVING = 3;
const MAX_UNDECIDED = 8;
const MAX_TAGS = 64;
const ID = /^[A-Za-z0-9_-]{22}$/;
const LABEL = /^files\/([A-Za-z0-9_-]{22})\/(\d{1,7})$/;

/** `changed(transfer)` is called whenever something of it changed that a person sees. */
export class Transfers {
  constructor(changed, kept) {
    this.changed = changed;
    this.kept = kept;
    this.link = null;
    this.outgoing = new Map();
    this.incoming = new Map();
  }

  get moving() {
    return [...this.outgoing.values(), ...this.incoming.values()].some((one) => one.state === "active");
  }

  /** Send what a person chose: [{file, path}]. */
  send(files) {
    for (const one of this.outgoing.values()) if (one.supply(files)) return;
    const id = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
    const one = new Outgoing(id, files, this);
    this.outgoing.set(id, one);
    if (this.link) one.announce(this.link);
    this.changed(one);
  }

  /** Go on with what a page before this one began in this tab. */
  async restore() {
    for (const record of await this.kept.load()) {
      const [all, kind] = record.direction === "in" ? [this.incoming, Incoming] : [this.outgoing, Outgoing];
      all.set(record.id, kind.restored(record, this));
      this.changed(all.get(record.id));
    }
  }

  /** The other side has greeted and takes files. */
  linkUp(link) {
    this.link = link;
    const unfinished = [...this.incoming.values()].filter((one) => one.state === "waiting" || one.unheard);
    if (unfinished.length && link.proof) {
      const tags = unfinished.map((one) => resumeTag(link.proof, one.id));
      for (let at = 0; at < tags.length; at += MAX_TAGS) link.say({ type: "resume", tags: tags.slice(at, at + MAX_TAGS) });
    }
    for (const one of this.outgoing.values()) if (one.state === "announced") one.announce(link);
  }

  linkDown() {
    this.link = null;
    for (const one of [...this.outgoing.values(), ...this.incoming.values()]) one.linkDown();
  }

  /** No link will come any more. */
  end(reason) {
    this.linkDown();
    for (const one of [...this.outgoing.values(), ...this.incoming.values()]) if (!one.over) one.finish("failed", reason);
  }

  /** What the other side says of files; false where it makes no sense. */
  message(link, message) {
    if (message.type === "resume") return this.resume(link, Array.isArray(message.tags) ? message.tags : []);
    const { transferID } = message;
    if (typeof transferID !== "string" || !ID.test(transferID)) return false;
    if (message.type === "announce") return this.announced(link, message);
    const one = this.outgoing.get(transferID) ?? (message.type === "cancel" ? this.incoming.get(transferID) : null);
    return !one || one.over || one.message(message); // of one that is over or unknown, it crossed with its end
  }

  resume(link, tags) {
    if (!link.proof) return true;
    for (const one of this.outgoing.values()) {
      if (!tags.includes(resumeTag(link.proof, one.id))) continue;
      if (!one.over) one.resume(link);
      else if (one.endedHere) link.say({ type: "cancel", transferID: one.id, reason: one.reason });
    }
    return true;
  }

  announced(link, message) {
    const entries = readEntries(message.files);
    let one = this.incoming.get(message.transferID);
    if (!entries || this.outgoing.has(message.transferID) || (one?.link === link && one.state !== "arriving" && !one.over)) return false;
    const undecided = [...this.incoming.values()].filter((other) => other.state === "arriving" || other.state === "asked");
    if (!one && undecided.length >= MAX_UNDECIDED) {
      link.say({ type: "cancel", transferID: message.transferID, reason: "too_many" });
      return true;
    }
    if (!one) {
      one = new Incoming(message.transferID, this);
      this.incoming.set(one.id, one);
    }
    one.announced(link, entries, message.more === true);
    return true;
  }

  /** A data channel that the other side opened, and what has come on it already. */
  stream(link, channel, waiting) {
    const [, id, generation] = LABEL.exec(channel.label) ?? [];
    const one = this.incoming.get(id);
    if (!one?.stream(link, channel, Number(generation), waiting)) {
      channel.onmessage = null;
      link.say({ type: "unsupported", what: "channel" });
    }
  }

  giveTurns() {
    const all = [...this.outgoing.values()];
    let free = MAX_MOVING - all.filter((one) => one.run).length;
    for (const one of all) if (one.state === "ready" && free-- > 0) one.start();
  }
}

/** Bytes a second over the last seconds. */
export class Rate {
  constructor() {
    this.marks = [];
  }

  note(moved) {
    const now = performance.now();
    this.marks.push([now, moved]);
    while (this.marks.length > 2 && now - this.marks[0][0] > 4_000) this.marks.shift();
  }

  get speed() {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    return !first || last[0] - first[0] < 300 ? null : ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }
}
