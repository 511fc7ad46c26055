// The other screen's mouse pointer, drawn here: on a canvas over the picture, since the page's
// policy forbids cursors made of data.

// On a phone the picture is so small that its pointer could not be seen.
const LEAST_HEIGHT = 22;
// So many pixels of shapes are kept; the oldest go first.
const MAX_PIXELS = 4 * 512 * 512;
// For so long after a move here, the pointer is where we put it.
const OURS_MS = 400;

export class Pointer {
  /** @type {Map<number, PointerShape>} */
  shapes = new Map();
  pixels = 0;
  /** @type {PointerShape | null} */
  shape = null;
  // What is drawn on the canvas
  /** @type {PointerShape | null} */
  drawn = null;
  // Where it is, in pixels of the monitor; until then we have moved it ourselves.
  x = 0;
  y = 0;
  oursUntil = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./placement.mjs").Placement} placement
   */
  constructor(canvas, placement) {
    this.canvas = canvas;
    this.placement = placement;
    canvas.hidden = true;
  }

  /** @param {PointerShape} shape */
  add(shape) {
    this.forget(shape.id);
    this.shapes.set(shape.id, shape);
    this.pixels += shape.width * shape.height;
    for (const id of this.shapes.keys()) {
      if (this.pixels <= MAX_PIXELS || id === shape.id) break;
      this.forget(id);
    }
  }

  /** @param {number} id */
  forget(id) {
    const before = this.shapes.get(id);
    if (!before) return;
    this.shapes.delete(id);
    this.pixels -= before.width * before.height;
    before.bitmap.close();
  }

  /**
   * The host says where it is.
   * @param {number} x
   * @param {number} y
   * @param {number} shape
   */
  moved(x, y, shape) {
    this.shape = this.shapes.get(shape) ?? null;
    if (performance.now() >= this.oursUntil) [this.x, this.y] = [x, y];
    this.show();
  }

  /**
   * We move it, and need not wait until the host has.
   * @param {number} x
   * @param {number} y
   */
  move(x, y) {
    [this.x, this.y] = [x, y];
    this.oursUntil = performance.now() + OURS_MS;
    this.show();
  }

  show() {
    const { shape, canvas, placement } = this;
    canvas.hidden = !shape;
    if (!shape) return;
    if (shape !== this.drawn) {
      this.drawn = shape;
      canvas.width = shape.width;
      canvas.height = shape.height;
      canvas.getContext("2d")?.drawImage(shape.bitmap, 0, 0);
    }
    const scale = Math.max(placement.scale, Math.min(1, LEAST_HEIGHT / shape.height));
    const [x, y] = placement.toView(this.x, this.y);
    const [left, top] = [x - shape.x * scale, y - shape.y * scale];
    canvas.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  }

  clear() {
    for (const id of [...this.shapes.keys()]) this.forget(id);
    this.shape = this.drawn = null;
    this.canvas.hidden = true;
  }
}
