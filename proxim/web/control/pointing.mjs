// The other screen's mouse, moved by a mouse here or by fingers. Two fingers do the same in both
// modes of touch: together they turn the wheel, apart or towards each other they enlarge the
// picture here.

import { Looking } from "../screen/hands.mjs";

export const LEFT = 1;
export const RIGHT = 2;
// A notch of the wheel
const NOTCH = 120;
// What a notch is: of pixels, lines and pages (WheelEvent.deltaMode)
const NOTCHES = [1 / 100, 1 / 3, 8];
// Fingers on the screen go this far for a notch.
const FINGER_NOTCH = 40;
// A slow finger moves the pointer finely, and a quick one far.
const SLOWEST = 0.6;
const FASTEST = 2.4;
// How many pixels a millisecond are quick
const QUICK = 1.2;

/**
 * Return the way of a wheel in 120ths of a notch.
 * @param {WheelEvent & { wheelDeltaX?: number, wheelDeltaY?: number }} event
 * @returns {[number, number]}
 */
export function wheelOf(event) {
  const { deltaMode, deltaX, deltaY, wheelDeltaX = 0, wheelDeltaY = 0 } = event;
  // A mouse's wheel has whole notches, whatever number of pixels a browser makes of one.
  const isMouse = wheelDeltaX % NOTCH === 0 && wheelDeltaY % NOTCH === 0;
  if (isMouse && (wheelDeltaX || wheelDeltaY)) return [-wheelDeltaX || 0, -wheelDeltaY || 0];
  const notches = NOTCH * (NOTCHES[deltaMode] ?? NOTCHES[0]);
  return [deltaX * notches, deltaY * notches];
}

/** What all ways of pointing need: the pointer in the picture. */
export class Hover {
  /**
   * @param {import("../screen/placement.mjs").Placement} placement
   * @param {import("../screen/pointer.mjs").Pointer} pointer
   * @param {() => Input | null} input
   * @param {Modifiers} modifiers
   * @param {() => void} moved is called when the picture lies elsewhere
   */
  constructor(placement, pointer, input, modifiers, moved) {
    this.placement = placement;
    this.pointer = pointer;
    this.input = input;
    this.modifiers = modifiers;
    this.moved = moved;
  }

  /**
   * Move the pointer to a point of the picture.
   * @param {number} px
   * @param {number} py
   */
  to(px, py) {
    const { pictureWidth, pictureHeight } = this.placement;
    const [x, y] = [within(px, pictureWidth), within(py, pictureHeight)];
    const [before, beforeY] = [this.placement.x, this.placement.y];
    this.placement.reveal(x, y);
    this.pointer.move(x, y);
    if (before !== this.placement.x || beforeY !== this.placement.y) this.moved();
    this.input()?.move(x / pictureWidth, y / pictureHeight);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  toView(x, y) {
    this.to(...this.placement.toPicture(x, y));
  }

  /** @param {number} button */
  click(button) {
    this.modifiers.use(() => this.input()?.click(button));
  }

  press() {
    this.modifiers.press();
    this.input()?.press(LEFT);
  }

  release() {
    this.input()?.press(0);
    this.modifiers.release();
  }
}

/** @param {number} at @param {number} length */
const within = (at, length) => Math.min(Math.max(at, 0), length);

/**
 * The screen is a touchpad: the pointer goes as the finger goes, wherever that is.
 * @implements {Hand}
 */
export class Touchpad extends Looking {
  isDragging = false;
  time = 0;

  /** @param {Hover} hover */
  constructor(hover) {
    super(hover.placement, hover.moved);
    this.hover = hover;
  }

  /** @override */
  tap() {
    this.hover.click(LEFT);
  }

  hold() {
    this.hover.click(RIGHT);
  }

  /**
   * @param {number} _x
   * @param {number} _y
   * @param {boolean} isAgain
   */
  slideStart(_x, _y, isAgain) {
    this.time = performance.now();
    this.isDragging = isAgain;
    if (isAgain) this.hover.press();
  }

  /**
   * @override
   * @param {number} dx
   * @param {number} dy
   */
  slide(dx, dy) {
    const now = performance.now();
    const speed = Math.hypot(dx, dy) / Math.max(1, now - this.time) / QUICK;
    this.time = now;
    const factor = SLOWEST + (FASTEST - SLOWEST) * Math.min(1, speed);
    const { pointer, placement } = this.hover;
    const far = factor / placement.scale;
    this.hover.to(pointer.x + dx * far, pointer.y + dy * far);
  }

  slideEnd() {
    if (this.isDragging) this.hover.release();
    this.isDragging = false;
  }

  /**
   * What is under the fingers goes with them.
   * @override
   * @param {number} dx
   * @param {number} dy
   */
  scroll(dx, dy) {
    const notches = NOTCH / FINGER_NOTCH;
    this.hover.input()?.wheel(-dx * notches, -dy * notches);
  }
}

/**
 * The finger is the pointer: what is touched is clicked.
 * @implements {Hand}
 */
export class Direct extends Touchpad {
  /**
   * @override
   * @param {number} [x]
   * @param {number} [y]
   */
  tap(x = 0, y = 0) {
    this.hover.toView(x, y);
    this.hover.click(LEFT);
  }

  /**
   * @override
   * @param {number} [x]
   * @param {number} [y]
   */
  hold(x = 0, y = 0) {
    this.hover.toView(x, y);
    this.hover.click(RIGHT);
  }

  /**
   * @override
   * @param {number} x
   * @param {number} y
   */
  slideStart(x, y) {
    this.hover.toView(x, y);
    this.isDragging = true;
    this.hover.press();
  }

  /**
   * @override
   * @param {number} _dx
   * @param {number} _dy
   * @param {number} [x]
   * @param {number} [y]
   */
  slide(_dx, _dy, x = 0, y = 0) {
    this.hover.toView(x, y);
  }

  /**
   * @override
   * @param {number} dx
   * @param {number} dy
   * @param {number} [x]
   * @param {number} [y]
   */
  scroll(dx, dy, x = 0, y = 0) {
    // The wheel turns what is under the pointer.
    this.hover.toView(x, y);
    super.scroll(dx, dy);
  }
}

/** A mouse or a pen, whose pointer is the other screen's. */
export class Mouse {
  // The buttons that went down in the picture
  buttons = 0;

  /** @param {Hover} hover */
  constructor(hover) {
    this.hover = hover;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} buttons as in MouseEvent
   */
  moved(x, y, buttons) {
    const { hover } = this;
    // A button that went down elsewhere does nothing here.
    const isInside = this.buttons > 0 || hover.placement.isAt(x, y);
    const wanted = isInside ? buttons : this.buttons & buttons;
    if (isInside) hover.toView(x, y);
    if (wanted === this.buttons) return;
    if (!this.buttons) hover.modifiers.press();
    this.buttons = wanted;
    hover.input()?.press(wanted);
    if (!wanted) hover.modifiers.release();
  }

  /** Nothing is down any more. */
  forget() {
    this.buttons = 0;
  }
}
