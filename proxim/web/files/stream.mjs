// The bytes of one transfer on their way: a data channel, filled with records no faster than the
// browser sends and the receiver acknowledges them.

import { u32 } from "../bytes.mjs";
import { DATA, HEADER_BYTES } from "./transfer.mjs";

const WINDOW_BYTES = 16 * 1024 * 1024;
// This many bytes may be queued in the browser; more would delay the heartbeat.
const QUEUE_BYTES = 1024 * 1024;
// A browser may accept less (RFC 8841, 6.1). 16 KiB was for old Firefox
// (blog.mozilla.org/webrtc/large-data-channel-messages).
const MESSAGE_BYTES = 64 * 1024;

export class Stream {
  // Bytes in the next message: all, and those of DATA records.
  filled = 0;
  filledData = 0;
  // Bytes of DATA records only, as the receiver counts them
  sent = 0;
  acknowledged = 0;
  stopped = false;
  wake = () => {};

  /**
   * @param {RTCPeerConnection} peer
   * @param {string} label
   */
  constructor(peer, label) {
    this.channel = peer.createDataChannel(label);
    this.channel.bufferedAmountLowThreshold = QUEUE_BYTES / 2;
    // This is no Blob, as Chromium refused to send Blobs for years (feross/simple-peer#218).
    this.buffer = new Uint8Array(
      Math.min(MESSAGE_BYTES, peer.sctp?.maxMessageSize || MESSAGE_BYTES),
    );
    for (const event of ["open", "close", "bufferedamountlow"]) {
      this.channel.addEventListener(event, () => this.wake());
    }
  }

  stop() {
    this.stopped = true;
    this.channel.close();
    this.wake();
  }

  /** Throw an error if the stream is over. */
  check() {
    if (this.stopped || ["closing", "closed"].includes(this.channel.readyState)) {
      throw new Error("stopped");
    }
  }

  opened() {
    return this.until(() => this.channel.readyState === "open");
  }

  /** @param {() => boolean} ready */
  async until(ready) {
    for (this.check(); !ready(); this.check()) {
      await new Promise((resolve) => {
        this.wake = () => resolve(null);
      });
    }
  }

  /**
   * The receiver has written so many bytes; return how many of ours that are.
   * @param {number} written
   */
  acknowledge(written) {
    this.acknowledged = Math.min(written, this.sent);
    this.wake();
    return this.acknowledged;
  }

  /** Send the records that wait for their message to be full. */
  async flush() {
    if (!this.filled) return;
    await this.until(() => {
      const onTheWay = this.sent + this.filledData - this.acknowledged;
      return this.channel.bufferedAmount < QUEUE_BYTES && onTheWay <= WINDOW_BYTES;
    });
    // The browser copies the bytes, so the buffer can be filled again.
    this.channel.send(this.buffer.subarray(0, this.filled));
    this.sent += this.filledData;
    this.filled = this.filledData = 0;
  }

  /**
   * Send bytes as one record, or, if they do not fit into the message, as several.
   * @param {number} kind
   * @param {number} index
   * @param {Uint8Array} bytes
   */
  async record(kind, index, bytes) {
    let rest = bytes;
    do {
      // Only data may be cut.
      const least = HEADER_BYTES + (kind === DATA ? 1 : rest.length);
      if (this.buffer.length - this.filled < least) await this.flush();
      this.check();
      const part = rest.subarray(0, this.buffer.length - this.filled - HEADER_BYTES);
      this.buffer.set([kind, ...u32(index), ...u32(part.length)], this.filled);
      this.buffer.set(part, this.filled + HEADER_BYTES);
      this.filled += HEADER_BYTES + part.length;
      if (kind === DATA) this.filledData += part.length;
      rest = rest.subarray(part.length);
    } while (rest.length);
  }
}
