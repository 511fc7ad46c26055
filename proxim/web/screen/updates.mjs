// The format of the pictures of a shared screen, as core/screen/updates.py writes it down. The host
// may be hostile: nothing that it sends costs this page more memory or work than an honest screen.

const PIECE = 0;
const LAST = 1;
const SHAPE = 2;
const POINTER = 3;
const CANVAS = 4;
const DELAY = 5;
export const JPEG = 1;
export const PNG = 2;
export const COPY = 3;
// The limits of core/screen/updates.py, which says why.
const MAX_UPDATE_BYTES = 16 * 1024 * 1024;
const MAX_SIDE = 8192;
const MAX_PIXELS = 7680 * 4320;
const MAX_TIMES_DRAWN = 2;
const MAX_POINTER_SIDE = 512;
const UPDATE_HEAD = 6;
const TILE_HEAD = 13;
const SHAPE_HEAD = 10;

/** What breaks the rules of the channel, which is of no use afterwards. */
export class Broken extends Error {}

/**
 * @param {boolean} isTrue
 * @param {string} what
 */
function require(isTrue, what) {
  if (!isTrue) throw new Broken(what);
}

/** Reads the messages of one channel. */
export class ScreenReader {
  // Nothing can be drawn before the first CANVAS.
  width = 0;
  height = 0;
  /** @type {Uint8Array[]} */
  pieces = [];
  bytes = 0;

  /**
   * Return what a message says; null if it is a piece of an update that is not whole. Throws Broken.
   * @param {ArrayBuffer} message
   * @returns {PictureMessage | null}
   */
  read(message) {
    require(message.byteLength > 0, "kind");
    const data = new DataView(message, 1);
    const kind = new Uint8Array(message)[0];
    if (kind === PIECE || kind === LAST) return this.piece(data, kind === LAST);
    if (kind === SHAPE) return readShape(data);
    if (kind === POINTER && data.byteLength === 10) {
      const [x, y] = [data.getInt32(2), data.getInt32(6)];
      return { kind: "pointer", shape: data.getUint16(0), x, y };
    }
    if (kind === CANVAS && data.byteLength === 8) return this.canvas(data);
    require(kind === DELAY && data.byteLength === 2, "kind");
    return { kind: "delay", milliseconds: data.getUint16(0) };
  }

  /**
   * @param {DataView} data
   * @returns {PictureMessage}
   */
  canvas(data) {
    const [width, height] = [data.getUint16(4), data.getUint16(6)];
    const fits = width > 0 && height > 0 && Math.max(width, height) <= MAX_SIDE;
    require(fits && width * height <= MAX_PIXELS, "canvas");
    require(!this.pieces.length, "canvas within an update");
    this.width = width;
    this.height = height;
    return { kind: "canvas", monitor: data.getUint32(0), width, height };
  }

  /**
   * @param {DataView} data
   * @param {boolean} isLast
   */
  piece(data, isLast) {
    // Otherwise endless empty pieces would fill the memory without reaching the limit.
    require(data.byteLength > 0, "empty piece");
    this.bytes += data.byteLength;
    require(this.bytes <= MAX_UPDATE_BYTES, "update");
    this.pieces.push(new Uint8Array(data.buffer, data.byteOffset));
    if (!isLast) return null;
    const whole = new Uint8Array(this.bytes);
    let filled = 0;
    for (const piece of this.pieces.splice(0)) {
      whole.set(piece, filled);
      filled += piece.length;
    }
    this.bytes = 0;
    return this.update(whole);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} whole
   * @returns {PictureMessage}
   */
  update(whole) {
    require(whole.length >= UPDATE_HEAD, "update");
    const data = new DataView(whole.buffer);
    const [number, count] = [data.getUint32(0), data.getUint16(4)];
    /** @type {Tile[]} */
    const tiles = [];
    let at = UPDATE_HEAD;
    let pixels = 0;
    for (let index = 0; index < count; index++) {
      require(at + TILE_HEAD <= whole.length, "tile");
      const [x, y, width, height] = [0, 2, 4, 6].map((field) => data.getUint16(at + field));
      const [format, length] = [data.getUint8(at + 8), data.getUint32(at + 9)];
      at += TILE_HEAD;
      pixels += width * height;
      require(at + length <= whole.length && this.contains(x, y, width, height), "tile");
      require([JPEG, PNG, COPY].includes(format), "format");
      /** @type {Tile} */
      const tile = { x, y, width, height, format, content: whole.subarray(at, at + length) };
      if (format === COPY) {
        require(length === 4, "copy");
        tile.fromX = data.getUint16(at);
        tile.fromY = data.getUint16(at + 2);
        require(this.contains(tile.fromX, tile.fromY, width, height), "copy");
      }
      tiles.push(tile);
      at += length;
    }
    require(at === whole.length, "update");
    require(pixels <= MAX_TIMES_DRAWN * this.width * this.height, "pixels");
    return { kind: "update", number, tiles, bytes: whole.length };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  contains(x, y, width, height) {
    const hasArea = width > 0 && height > 0;
    return hasArea && x + width <= this.width && y + height <= this.height;
  }
}

/**
 * @param {DataView} data
 * @returns {PictureMessage}
 */
function readShape(data) {
  require(data.byteLength >= SHAPE_HEAD, "shape");
  const [id, width, height, x, y] = [0, 2, 4, 6, 8].map((field) => data.getUint16(field));
  const fits = width > 0 && height > 0 && Math.max(width, height) <= MAX_POINTER_SIDE;
  require(id > 0 && fits && x < width && y < height, "shape");
  const png = new Uint8Array(
    /** @type {ArrayBuffer} */ (data.buffer),
    data.byteOffset + SHAPE_HEAD,
  );
  return { kind: "shape", id, width, height, x, y, png };
}
