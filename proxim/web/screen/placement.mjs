// Where the other screen's picture lies in its view. Lengths are pixels of CSS in the view, and
// pixels of the monitor in the picture.

// A pixel of the monitor is never larger than this.
const MAX_SCALE = 8;
// The pointer stays this far from the edges of the view, as long as there is more of the picture.
const MARGIN = 40;

export class Placement {
  /** @type {"fit" | "actual" | "free"} */
  mode = "fit";
  // The view, and how many pixels of the device are one of its pixels
  width = 1;
  height = 1;
  ratio = 1;
  // The picture
  pictureWidth = 1;
  pictureHeight = 1;
  // How large a pixel of the picture is, and where its left upper corner lies
  scale = 1;
  x = 0;
  y = 0;

  /** The scale at which all of the picture can be seen. */
  get fitScale() {
    return Math.min(this.width / this.pictureWidth, this.height / this.pictureHeight);
  }

  /** The scale at which each pixel of the picture is one of the device. */
  get actualScale() {
    return 1 / this.ratio;
  }

  /**
   * The view has another size; what was in its middle stays there.
   * @param {number} width
   * @param {number} height
   * @param {number} ratio
   */
  resize(width, height, ratio) {
    const middle = this.toPicture(this.width / 2, this.height / 2);
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.ratio = ratio;
    this.again(middle);
  }

  /**
   * The monitor has this size.
   * @param {number} width
   * @param {number} height
   */
  show(width, height) {
    if (width === this.pictureWidth && height === this.pictureHeight) return;
    this.pictureWidth = width;
    this.pictureHeight = height;
    this.mode = "fit";
    this.again([width / 2, height / 2]);
  }

  fit() {
    this.mode = "fit";
    this.again([0, 0]);
  }

  /**
   * Show the picture's own pixels, and this point of it in the middle.
   * @param {[number, number]} middle
   */
  actual(middle) {
    this.mode = "actual";
    this.again(middle);
  }

  /**
   * @param {[number, number]} middle is a point of the picture
   */
  again([x, y]) {
    if (this.mode === "fit") this.scale = this.fitScale;
    else if (this.mode === "actual") this.scale = this.actualScale;
    else this.scale = this.limited(this.scale);
    this.x = this.width / 2 - x * this.scale;
    this.y = this.height / 2 - y * this.scale;
    this.settle();
  }

  /** @param {number} scale */
  limited(scale) {
    return Math.min(MAX_SCALE, Math.max(scale, Math.min(this.fitScale, this.actualScale)));
  }

  /**
   * Zoom, while a point of the view stays where it is.
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  zoom(factor, x, y) {
    const [px, py] = [(x - this.x) / this.scale, (y - this.y) / this.scale];
    this.mode = "free";
    this.scale = this.limited(this.scale * factor);
    this.x = x - px * this.scale;
    this.y = y - py * this.scale;
    this.settle();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.settle();
  }

  /**
   * Pan so far that a point of the picture is well within the view.
   * @param {number} px
   * @param {number} py
   */
  reveal(px, py) {
    const [x, y] = this.toView(px, py);
    const margin = Math.min(MARGIN, this.width / 4, this.height / 4);
    const inside = (/** @type {number} */ at, /** @type {number} */ length) =>
      Math.min(Math.max(at, margin), length - margin) - at;
    this.pan(inside(x, this.width), inside(y, this.height));
  }

  /** No edge of the picture lies within the view, or else the picture lies in its middle. */
  settle() {
    const settled = (
      /** @type {number} */ at,
      /** @type {number} */ length,
      /** @type {number} */ room,
    ) => (length <= room ? (room - length) / 2 : Math.min(0, Math.max(at, room - length)));
    // Between two pixels of the device, text would be blurred.
    const whole = (/** @type {number} */ at) => Math.round(at * this.ratio) / this.ratio;
    this.x = whole(settled(this.x, this.pictureWidth * this.scale, this.width));
    this.y = whole(settled(this.y, this.pictureHeight * this.scale, this.height));
  }

  /**
   * Return the point of the picture at a point of the view, or the nearest.
   * @param {number} x
   * @param {number} y
   * @returns {[number, number]}
   */
  toPicture(x, y) {
    const within = (/** @type {number} */ at, /** @type {number} */ length) =>
      Math.min(Math.max(at, 0), length);
    return [
      within((x - this.x) / this.scale, this.pictureWidth),
      within((y - this.y) / this.scale, this.pictureHeight),
    ];
  }

  /**
   * Whether the picture is at a point of the view.
   * @param {number} x
   * @param {number} y
   */
  isAt(x, y) {
    const [right, bottom] = this.toView(this.pictureWidth, this.pictureHeight);
    return x >= this.x && y >= this.y && x < right && y < bottom;
  }

  /**
   * @param {number} px
   * @param {number} py
   * @returns {[number, number]}
   */
  toView(px, py) {
    return [this.x + px * this.scale, this.y + py * this.scale];
  }
}
