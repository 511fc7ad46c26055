// The open connection to the host. A link knows the greeting, the heartbeat and the goodbye; what
// it carries belongs to its features.

import { parse } from "../pairing/ask.mjs";
import { utf8 } from "../bytes.mjs";

// The program uses the same times (docs/protocol.md).
const PING_MS = 1_000;
const SILENCE_MS = 4_500;
// If a tick comes this late, the page itself was suspended.
const ASLEEP_MS = 2 * PING_MS;
// If a tick comes this late, the host has given up the link.
const DEAD_MS = 8_000;
// The goodbye gets this long to arrive.
const GOODBYE_MS = 500;
// A message of a list is full at this size. The entry that fills it may go beyond, as a message may
// have twice as much.
const LIST_BYTES = 32 * 1024;
const MAX_UNREADABLE = 8;
const MAX_QUOTED = 64;
// What a goodbye may say; any other reason counts as `peer_left`.
const BYE_REASONS = ["closed", "expired", "tampered"];

export class Link {
  peerName = "";
  // Whether the peer has said hello.
  greeted = false;
  over = false;
  unreadable = 0;
  // When the last message arrived and when the last tick came. 0 stands for long ago.
  lastReceived = 0;
  lastTick = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  ticking = undefined;
  // Called when the peer has said hello
  onGreeted = () => {};
  /**
   * Called when the link ends without close()
   * @type {(reason: string, mayResume: boolean) => void}
   */
  onClosed = () => {};

  /**
   * @param {RTCPeerConnection} peer
   * @param {{ name: string, proof: Proof | null, features: Feature[] }} options
   */
  constructor(peer, { name, proof, features }) {
    this.peer = peer;
    this.proof = proof;
    this.features = features;
    this.control = peer.createDataChannel("control");
    this.control.onopen = () => {
      this.lastReceived = this.lastTick = Date.now();
      this.send({ type: "hello", version: 1, features: features.map(({ word }) => word), name });
      this.ticking = setInterval(() => this.tick(), PING_MS);
    };
    this.control.onmessage = ({ data }) => this.message(parse(data));
    this.control.onclose = () => this.lost("peer_left", this.greeted);
    peer.addEventListener("connectionstatechange", () => {
      if (peer.connectionState === "failed") this.lost("peer_vanished", true);
    });
    peer.ondatachannel = ({ channel }) => {
      channel.binaryType = "arraybuffer";
      if (features.some((feature) => feature.channel?.(channel))) return;
      this.send({ type: "unsupported", what: "channel" }, channel);
    };
  }

  get isOpen() {
    return !this.over && this.control.readyState === "open";
  }

  /** @param {Message} message */
  send(message, channel = this.control) {
    if (channel.readyState === "open") channel.send(JSON.stringify(message));
  }

  /**
   * Send a list in as many messages as it needs; the last one also has the fields of `last`.
   * @param {Message} message
   * @param {string} field
   * @param {unknown[]} list
   * @param {Message} [last]
   */
  sendList(message, field, list, last) {
    let sent = 0;
    do {
      const piece = [];
      for (let room = LIST_BYTES; room > 0 && sent < list.length; sent++) {
        piece.push(list[sent]);
        room -= utf8(JSON.stringify(list[sent])).length;
      }
      this.send({ ...message, [field]: piece, ...(sent < list.length ? { more: true } : last) });
    } while (sent < list.length);
  }

  /** Say goodbye and close. */
  close() {
    if (this.over) return;
    this.send({ type: "bye", reason: "disconnected" });
    this.drop(GOODBYE_MS);
  }

  /** Close without a goodbye. */
  drop(ms = 0) {
    this.over = true;
    clearInterval(this.ticking);
    setTimeout(() => this.peer.close(), ms);
    if (this.greeted) for (const feature of this.features) feature.linkDown?.();
  }

  /**
   * @param {string} reason
   * @param {boolean} mayResume
   * @param {number} [ms]
   */
  lost(reason, mayResume, ms) {
    if (this.over) return;
    this.drop(ms);
    this.onClosed(reason, mayResume);
  }

  /** End the link because the peer sends what no link can carry. */
  refuse() {
    this.send({ type: "bye", reason: "peer_error" });
    this.lost("peer_error", false, GOODBYE_MS);
  }

  /**
   * Keep the heartbeat going while the records of a stream keep the page busy. One message of a
   * stream can hold a thousand small files, and the heartbeat's timer and the host's messages on
   * the control channel wait behind it.
   */
  working() {
    this.lastReceived = Date.now();
    if (this.lastReceived - this.lastTick >= PING_MS) this.tick();
  }

  /** Send a heartbeat, and look for the peer's. */
  tick() {
    const now = Date.now();
    const since = now - this.lastTick;
    this.lastTick = now;
    // What the peer sent while the page was suspended has not been handled yet.
    if (since > ASLEEP_MS) this.lastReceived = since > DEAD_MS ? 0 : now;
    // A peer that never says hello need not send heartbeats.
    if (this.greeted && now - this.lastReceived >= SILENCE_MS) this.lost("peer_vanished", true);
    else this.send({ type: "ping" });
  }

  /** @param {Message} message */
  message(message) {
    if (this.over) return;
    this.lastReceived = Date.now();
    if (message.type === "hello") this.hello(message);
    else if (message.type === "bye") {
      this.lost(BYE_REASONS.includes(message.reason) ? message.reason : "peer_left", false);
    } else if (message.type !== "ping" && message.type !== "unsupported") {
      let isRead = false;
      try {
        isRead = this.features.some((feature) => feature.message(message, this));
      } catch (error) {
        // A field has another type than its reader expects.
        if (!(error instanceof TypeError)) throw error;
      }
      if (!isRead) this.reject(message);
    }
  }

  /** @param {Message} message */
  hello({ features, name }) {
    this.greeted = true;
    this.peerName = String(name ?? "");
    for (const feature of this.features) {
      if (features?.includes?.(feature.word)) feature.linkUp?.(this);
    }
    this.onGreeted();
  }

  /**
   * Answer a message that nobody understands.
   * @param {Message} message
   */
  reject({ type }) {
    if (++this.unreadable > MAX_UNREADABLE) this.refuse();
    else {
      const what = String(type ?? "bad_json").slice(0, MAX_QUOTED);
      this.send({ type: "unsupported", what });
    }
  }
}
