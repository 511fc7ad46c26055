// What the person here does with the other screen's mouse and keyboard, on its way to the host
// (core/control/messages.py).

import { utf8 } from "../bytes.mjs";

// The host allows 300 messages a second, and so many at once.
const MAX_AT_ONCE = 150;
const PER_SECOND = 250;
// It lets go of everything after 5 s of silence.
const HELD_MS = 2_000;
// A text is at most 4096 bytes, and a character at most four of them.
const TEXT_PIECES = /.{1,1000}/gsu;
const MAX_WHEEL = 120 * 50;
// More waits only for a channel that does not open.
const MAX_QUEUED = 2_000;

export class Input {
  /** @type {Message[]} */
  queue = [];
  // How many messages may be sent now, and since when that is known
  allowed = MAX_AT_ONCE;
  since = performance.now();
  /** @type {ReturnType<typeof setTimeout> | null} */
  sending = null;
  // Where the pointer is, from 0 to 1, and which buttons are down, as in MouseEvent.buttons
  x = 0.5;
  y = 0.5;
  buttons = 0;
  // A move that waits for the next frame, and the parts of a turn of the wheel that do
  /** @type {number | null} */
  frame = null;
  hasMoved = false;
  wheelX = 0;
  wheelY = 0;
  /**
   * The keys that are down: their codes, and what they were pressed as
   * @type {Map<string, string>}
   */
  held = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  holding = undefined;

  /** @param {RTCDataChannel} channel */
  constructor(channel) {
    this.channel = channel;
    channel.onopen = () => this.flush();
  }

  get over() {
    return this.channel.readyState === "closing" || this.channel.readyState === "closed";
  }

  /**
   * The pointer is there; the host hears of it once a frame.
   * @param {number} x from 0 to 1
   * @param {number} y from 0 to 1
   */
  move(x, y) {
    this.x = Math.min(1, Math.max(0, x));
    this.y = Math.min(1, Math.max(0, y));
    this.hasMoved = true;
    this.frame ??= requestAnimationFrame(() => this.atFrame());
  }

  /** @param {number} buttons */
  press(buttons) {
    this.buttons = buttons & 0b11111;
    this.sendPointer();
    this.keepHeld();
  }

  /** @param {number} button is its bit */
  click(button) {
    this.press(this.buttons | button);
    this.press(this.buttons & ~button);
  }

  /**
   * Turn the wheel, right and down for positive numbers; 120 is one notch.
   * @param {number} dx
   * @param {number} dy
   */
  wheel(dx, dy) {
    this.wheelX += dx;
    this.wheelY += dy;
    this.frame ??= requestAnimationFrame(() => this.atFrame());
  }

  atFrame() {
    this.frame = null;
    if (this.hasMoved && !this.queue.length) this.sendPointer();
    // Parts of a whole number wait for the rest.
    const whole = (/** @type {number} */ part) =>
      Math.trunc(Math.min(MAX_WHEEL, Math.max(-MAX_WHEEL, part)));
    const [dx, dy] = [whole(this.wheelX), whole(this.wheelY)];
    if (dx || dy) {
      this.wheelX = (this.wheelX - dx) % MAX_WHEEL;
      this.wheelY = (this.wheelY - dy) % MAX_WHEEL;
      this.send({ t: "w", dx, dy });
    }
    // The newest move waits behind everything that was done before it.
    if (this.hasMoved) this.frame = requestAnimationFrame(() => this.atFrame());
  }

  sendPointer() {
    this.hasMoved = false;
    const rounded = (/** @type {number} */ at) => Math.round(at * 1e5) / 1e5;
    this.send({ t: "p", x: rounded(this.x), y: rounded(this.y), b: this.buttons });
  }

  /**
   * @param {string} code
   * @param {string} key
   * @param {boolean} isDown
   */
  key(code, key, isDown) {
    const before = this.held.get(code);
    // Repeating is the host's, and what is not down cannot be released.
    if (isDown === (before !== undefined)) return;
    if (isDown) this.held.set(code, key);
    else this.held.delete(code);
    this.send({ t: "k", code, key: before ?? key, d: isDown });
    this.keepHeld();
  }

  /**
   * @param {string} code
   * @param {string} key
   */
  tapKey(code, key) {
    this.key(code, key, true);
    this.key(code, key, false);
  }

  /** @param {string} text */
  text(text) {
    // Half a surrogate pair is no UTF-8.
    const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(utf8(text));
    for (const piece of whole.match(TEXT_PIECES) ?? []) this.send({ t: "x", text: piece });
  }

  /** Ask for what is in the host's clipboard. */
  copy() {
    this.send({ t: "c" });
  }

  /** Let go of everything. */
  release() {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.hasMoved = false;
    this.wheelX = this.wheelY = 0;
    this.buttons = 0;
    this.held.clear();
    this.keepHeld();
    // What was to be pressed is not pressed any more.
    this.queue = [];
    this.send({ t: "u" });
  }

  /** Say again where the pointer is as long as something is down: the host may else let go of it. */
  keepHeld() {
    clearInterval(this.holding);
    if (!this.buttons && !this.held.size) return;
    this.holding = setInterval(() => this.sendPointer(), HELD_MS);
  }

  /** @param {Message} message */
  send(message) {
    if (this.over) return;
    this.queue.push(message);
    this.flush();
  }

  flush() {
    if (this.sending !== null) return;
    const now = performance.now();
    const earned = ((now - this.since) * PER_SECOND) / 1000;
    this.allowed = Math.min(MAX_AT_ONCE, this.allowed + earned);
    this.since = now;
    if (this.queue.length > MAX_QUEUED) this.queue = [{ t: "u" }];
    if (this.channel.readyState !== "open") return;
    while (this.queue.length && this.allowed >= 1) {
      this.allowed--;
      this.channel.send(utf8(JSON.stringify(this.queue.shift())));
    }
    if (!this.queue.length) return;
    this.sending = setTimeout(() => {
      this.sending = null;
      this.flush();
    }, 20);
  }

  end() {
    if (this.channel.readyState === "open") this.release();
    clearInterval(this.holding);
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    if (this.sending !== null) clearTimeout(this.sending);
    this.channel.close();
  }
}
