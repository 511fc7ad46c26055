// Draws the pictures of one channel, whole updates at once, and says so to the host.

import { u32 } from "../bytes.mjs";
import { imageSize } from "./image_size.mjs";
import { Broken, COPY, PNG, ScreenReader } from "./updates.mjs";

// The host has at most four under way (core/screen/pacing.py).
const MAX_WAITING = 8;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
// So many pixels are decoded before their turn, which is quicker; of more, a few kilobytes from the
// host could fill the memory.
const MAX_DECODED = 16_000_000;
// Figures are those of so long.
const FIGURES_MS = 1_000;

/** Decode a picture whose header says that it is as large as its place. */
async function decode(
  /** @type {Uint8Array<ArrayBuffer>} */ bytes,
  /** @type {number} */ format,
  /** @type {number} */ width,
  /** @type {number} */ height,
) {
  const size = imageSize(bytes, format);
  if (size?.[0] !== width || size[1] !== height) throw new Broken("size");
  const blob = new Blob([bytes], { type: format === PNG ? "image/png" : "image/jpeg" });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  // A header may say that the picture is to be turned.
  if (bitmap.width !== width || bitmap.height !== height) throw new Broken("size");
  return bitmap;
}

export class Painter {
  reader = new ScreenReader();
  // What was read is drawn in this order.
  /** @type {Promise<unknown>} */
  drawing = Promise.resolve();
  waiting = 0;
  waitingBytes = 0;
  waitingPixels = 0;
  // While nobody looks, nothing is acknowledged, so that soon nothing more comes.
  isHeld = false;
  /** @type {number[]} */
  held = [];
  over = false;
  /** @type {CanvasRenderingContext2D} */
  context;
  // The newest delay that the host measured, and what came since the figures were read
  /** @type {number | null} */
  delay = null;
  updates = 0;
  bytes = 0;
  since = performance.now();
  /** @type {Figures | null} */
  lastFigures = null;

  /**
   * @param {RTCDataChannel} channel
   * @param {HTMLCanvasElement} canvas
   * @param {object} on
   * @param {(canvas: { monitor: number, width: number, height: number }) => void} on.canvas
   * @param {(x: number, y: number, shape: number) => void} on.pointer
   * @param {(shape: PointerShape) => void} on.shape
   * @param {() => void} on.broken is called when the host breaks the rules
   */
  constructor(channel, canvas, on) {
    this.channel = channel;
    this.canvas = canvas;
    this.on = on;
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no canvas");
    this.context = context;
    channel.onmessage = ({ data }) => this.message(data);
  }

  /** @param {unknown} data */
  message(data) {
    if (this.over) return;
    try {
      if (!(data instanceof ArrayBuffer)) throw new Broken("text");
      this.bytes += data.byteLength;
      const message = this.reader.read(data);
      if (message) this.handle(message);
    } catch (error) {
      this.fail(error);
    }
  }

  /** @param {PictureMessage} message */
  handle(message) {
    if (message.kind === "update") this.update(message);
    else if (message.kind === "delay") this.delay = message.milliseconds;
    else {
      // They belong to what was drawn before them.
      const shape =
        message.kind === "shape" && decode(message.png, PNG, message.width, message.height);
      this.then(async () => {
        if (message.kind === "pointer") this.on.pointer(message.x, message.y, message.shape);
        if (message.kind === "canvas") this.begin(message);
        if (message.kind === "shape" && shape) {
          this.on.shape({ ...message, bitmap: await shape });
        }
      }, shape || undefined);
    }
  }

  /** @param {{ monitor: number, width: number, height: number }} canvas */
  begin(canvas) {
    // This makes it black as well.
    this.canvas.width = canvas.width;
    this.canvas.height = canvas.height;
    this.on.canvas(canvas);
  }

  /** @param {{ number: number, tiles: Tile[], bytes: number }} update */
  update({ number, tiles, bytes }) {
    this.waiting++;
    this.waitingBytes += bytes;
    if (this.waiting > MAX_WAITING || this.waitingBytes > MAX_WAITING_BYTES) {
      throw new Broken("not acknowledged");
    }
    const copies = tiles.filter(({ format }) => format === COPY);
    const others = tiles.filter(({ format }) => format !== COPY);
    const pixels = others.reduce((sum, { width, height }) => sum + width * height, 0);
    this.waitingPixels += pixels;
    const decodeAll = () =>
      Promise.all(
        others.map(({ content, format, width, height }) => decode(content, format, width, height)),
      );
    const decoded = this.waitingPixels > MAX_DECODED ? undefined : decodeAll();
    this.then(async () => {
      const bitmaps = await (decoded ?? decodeAll());
      this.copy(copies);
      others.forEach(({ x, y }, index) => {
        this.context.drawImage(bitmaps[index], x, y);
        bitmaps[index].close();
      });
      this.waiting--;
      this.waitingBytes -= bytes;
      this.waitingPixels -= pixels;
      this.updates++;
      this.acknowledge(number);
    }, decoded);
  }

  /**
   * Do this behind everything before it.
   * @param {() => Promise<void>} action
   * @param {Promise<unknown>} [input] is awaited by the action
   */
  then(action, input) {
    // The action may come later than the failure.
    input?.catch(() => {});
    this.drawing = this.drawing
      .then(() => (this.over ? undefined : action()))
      .catch((error) => this.fail(error));
  }

  /**
   * What is copied is what was there before the update.
   * @param {Tile[]} tiles
   */
  copy(tiles) {
    /** @type {CanvasImageSource} */
    let source = this.canvas;
    if (tiles.length > 1) {
      const before = document.createElement("canvas");
      before.width = this.canvas.width;
      before.height = this.canvas.height;
      before.getContext("2d", { alpha: false })?.drawImage(this.canvas, 0, 0);
      source = before;
    }
    for (const { x, y, width, height, fromX = 0, fromY = 0 } of tiles) {
      this.context.drawImage(source, fromX, fromY, width, height, x, y, width, height);
    }
  }

  /** @param {number} number */
  acknowledge(number) {
    if (this.isHeld) this.held.push(number);
    else if (this.channel.readyState === "open") this.channel.send(u32(number));
  }

  /**
   * Acknowledge nothing while nobody looks; then all that was drawn meanwhile.
   * @param {boolean} isHeld
   */
  hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld) for (const number of this.held.splice(0)) this.acknowledge(number);
  }

  /** @returns {Figures} */
  figures() {
    const now = performance.now();
    const seconds = (now - this.since) / 1000;
    if (!this.lastFigures || seconds * 1000 >= FIGURES_MS) {
      this.lastFigures = {
        framesPerSecond: this.updates / seconds,
        megabitsPerSecond: (this.bytes * 8) / 1e6 / seconds,
        delay: this.delay,
      };
      this.since = now;
      this.updates = this.bytes = 0;
    }
    return this.lastFigures;
  }

  /** @param {unknown} error */
  fail(error) {
    if (this.over) return;
    this.end();
    this.on.broken();
    // What is no fault of the host's is one of ours.
    const isTheirs = error instanceof Broken || error instanceof DOMException;
    if (!isTheirs) throw error;
  }

  end() {
    this.over = true;
    this.channel.onmessage = null;
    this.channel.close();
  }
}
