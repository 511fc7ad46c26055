// What fingers and the mouse do in a view that only sees: they move and enlarge the picture here.

/** @implements {Hand} */
export class Looking {
  /**
   * @param {import("./placement.mjs").Placement} placement
   * @param {() => void} moved
   */
  constructor(placement, moved) {
    this.placement = placement;
    this.moved = moved;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {boolean} isAgain
   */
  tap(x, y, isAgain) {
    if (!isAgain) return;
    // Twice shows all of the picture, or, where that is shown, its own pixels.
    if (this.placement.mode === "fit") this.placement.actual(this.placement.toPicture(x, y));
    else this.placement.fit();
    this.moved();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  slide(dx, dy) {
    this.placement.pan(dx, dy);
    this.moved();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  scroll(dx, dy) {
    this.slide(dx, dy);
  }

  /**
   * @param {number} factor
   * @param {number} dx
   * @param {number} dy
   * @param {number} x
   * @param {number} y
   */
  pinch(factor, dx, dy, x, y) {
    this.placement.pan(dx, dy);
    this.placement.zoom(factor, x, y);
    this.moved();
  }
}
