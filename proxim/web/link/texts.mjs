// Texts that the two people send each other.

import { utf8 } from "../bytes.mjs";

// The pattern matches whole code points, so that it never cuts a surrogate pair.
const TEXT_PIECES = /.{1,8192}/gsu;
const MAX_TEXT_BYTES = 1024 * 1024;

/** The feature of a link that receives texts. */
export class Texts {
  word = "text";
  /** @type {Link | null} */
  link = null;
  // What has arrived of a text whose end is missing
  received = "";
  receivedBytes = 0;

  /** @param {(text: string) => void} onText */
  constructor(onText) {
    this.onText = onText;
  }

  /**
   * @param {Message} message
   * @param {Link} link
   */
  message({ type, text, more }, link) {
    if (type !== "text") return false;
    // The rest of a text from an earlier link will never come.
    if (link !== this.link) this.start(link);
    const piece = String(text ?? "");
    this.received += piece;
    this.receivedBytes += utf8(piece).length;
    if (this.receivedBytes > MAX_TEXT_BYTES) link.refuse();
    else if (more !== true) {
      const whole = this.received;
      this.start(link);
      if (whole) this.onText(whole);
    }
    return true;
  }

  /** @param {Link} link */
  start(link) {
    this.link = link;
    this.received = "";
    this.receivedBytes = 0;
  }
}

/**
 * Send a text; return false if it is longer than a link carries, or the link is closing.
 * @param {Link} link
 * @param {string} text
 */
export function sendText(link, text) {
  const bytes = utf8(text);
  if (bytes.length > MAX_TEXT_BYTES || !link.isOpen) return false;
  // Half a surrogate pair is no UTF-8, so the encoder has replaced it.
  const sendable = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const pieces = sendable.match(TEXT_PIECES) ?? [];
  pieces.forEach((piece, index) => {
    link.send({ type: "text", text: piece, more: index < pieces.length - 1 || undefined });
  });
  return true;
}
