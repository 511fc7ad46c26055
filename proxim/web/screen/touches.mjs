// What fingers mean: taps, holding still, sliding with one finger, scrolling and pinching with two.

// A finger that moved less than this has not moved.
const SLOP = 9;
const HOLD_MS = 500;
// A second tap comes this soon, and this near.
const AGAIN_MS = 300;
const AGAIN_DISTANCE = 32;
// Two fingers pinch once their distance has changed by this, and scroll once they went this far.
const PINCH = 24;
const SCROLL = 12;

/** @typedef {{ x: number, y: number }} Point */

/** Follows the fingers on one element, and tells a Hand what they do. */
export class Touches {
  /** @type {Map<number, Point>} */
  fingers = new Map();
  /** @type {"none" | "touching" | "sliding" | "held" | "two" | "scrolling" | "pinching" | "over"} */
  state = "none";
  // Where the first finger came down, and whether that was right behind a tap
  start = { x: 0, y: 0 };
  isAgain = false;
  /** @type {{ x: number, y: number, time: number } | null} */
  tapped = null;
  // Two fingers: their middle and distance, at first and lately
  first = { x: 0, y: 0, distance: 1 };
  last = { x: 0, y: 0, distance: 1 };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  holding = undefined;

  /** @param {() => Hand} hand returns who is told, which may change between two gestures */
  constructor(hand) {
    this.hand = hand;
  }

  /**
   * @param {number} id
   * @param {number} x
   * @param {number} y
   * @param {number} time in milliseconds
   */
  down(id, x, y, time) {
    this.fingers.set(id, { x, y });
    clearTimeout(this.holding);
    if (this.fingers.size === 1) {
      const { tapped } = this;
      this.state = "touching";
      this.start = { x, y };
      this.isAgain =
        tapped !== null &&
        time - tapped.time < AGAIN_MS &&
        Math.hypot(x - tapped.x, y - tapped.y) < AGAIN_DISTANCE;
      this.holding = setTimeout(() => this.held(), HOLD_MS);
    } else {
      this.endSlide();
      // A third finger ends the gesture.
      this.state = this.fingers.size === 2 ? "two" : "over";
      this.first = this.last = this.pair();
    }
  }

  held() {
    if (this.state !== "touching") return;
    this.state = "held";
    this.tapped = null;
    this.hand().hold?.(this.start.x, this.start.y);
  }

  /**
   * @param {number} id
   * @param {number} x
   * @param {number} y
   */
  move(id, x, y) {
    const finger = this.fingers.get(id);
    if (!finger) return;
    const [dx, dy] = [x - finger.x, y - finger.y];
    finger.x = x;
    finger.y = y;
    if (this.state === "touching") {
      if (Math.hypot(x - this.start.x, y - this.start.y) < SLOP) return;
      clearTimeout(this.holding);
      this.state = "sliding";
      this.hand().slideStart?.(this.start.x, this.start.y, this.isAgain);
    }
    if (this.state === "sliding") this.hand().slide?.(dx, dy, x, y);
    else if (this.fingers.size === 2) this.movedTwo();
  }

  movedTwo() {
    const now = this.pair();
    const { first, last } = this;
    if (this.state === "two") {
      const spread = Math.abs(now.distance - first.distance);
      const way = Math.hypot(now.x - first.x, now.y - first.y);
      if (spread > PINCH) this.state = "pinching";
      else if (way > SCROLL && way > spread) this.state = "scrolling";
      else return;
    }
    this.last = now;
    const [dx, dy] = [now.x - last.x, now.y - last.y];
    if (this.state === "scrolling") this.hand().scroll?.(dx, dy, now.x, now.y);
    if (this.state === "pinching") {
      this.hand().pinch?.(now.distance / last.distance, dx, dy, now.x, now.y);
    }
  }

  /**
   * @param {number} id
   * @param {number} time in milliseconds
   */
  up(id, time) {
    if (!this.fingers.delete(id)) return;
    clearTimeout(this.holding);
    const { x, y } = this.start;
    if (this.state === "touching") {
      // A third tap begins anew.
      this.tapped = this.isAgain ? null : { x, y, time };
      this.hand().tap?.(x, y, this.isAgain);
    } else {
      this.endSlide();
      this.tapped = null;
    }
    this.state = this.fingers.size ? "over" : "none";
  }

  /** The system has taken the fingers, or nobody looks any more. */
  cancel() {
    clearTimeout(this.holding);
    this.endSlide();
    this.fingers.clear();
    this.tapped = null;
    this.state = "none";
  }

  endSlide() {
    if (this.state !== "sliding") return;
    this.state = "over";
    this.hand().slideEnd?.();
  }

  pair() {
    const [one, other = one] = this.fingers.values();
    return {
      x: (one.x + other.x) / 2,
      y: (one.y + other.y) / 2,
      distance: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)),
    };
  }
}
