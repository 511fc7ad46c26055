// The picture of the other screen, where it lies in the view, and its pointer.

import { make } from "./make.mjs";
import { showText } from "../view/elements.mjs";
import { Painter } from "./painter.mjs";
import { Placement } from "./placement.mjs";
import { Pointer } from "./pointer.mjs";

const FIGURES_MS = 1_000;
const NOTE_MS = 6_000;
// Pixels that are this large are seen as such, and need no smoothing.
const LARGE = 3;

export class Stage {
  placement = new Placement();
  /** @type {Painter | null} */
  painter = null;
  // Where it lies on the page
  left = 0;
  top = 0;
  // How large the picture is that the host sends; its monitor may be larger.
  canvasWidth = 1;
  canvasHeight = 1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  noting = undefined;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  counting = undefined;
  // Called when the picture lies elsewhere, or is larger or smaller
  onMoved = () => {};

  /**
   * @param {Words} words
   * @param {() => void} broken is called when the host's pictures break the rules
   */
  constructor(words, broken) {
    this.words = words;
    this.broken = broken;
    this.picture = make("canvas", { className: "picture" });
    this.pointer = new Pointer(make("canvas", { className: "pointer" }), this.placement);
    this.figures = make("p", { className: "figures", hidden: true });
    this.note = make("p", { className: "note", hidden: true });
    this.note.setAttribute("role", "status");
    const all = [this.picture, this.pointer.canvas, this.figures, this.note];
    this.element = make("div", { className: "stage" }, ...all);
  }

  /** @param {RTCDataChannel} channel */
  show(channel) {
    this.end();
    this.painter = new Painter(channel, this.picture, {
      canvas: ({ width, height }) => {
        this.canvasWidth = width;
        this.canvasHeight = height;
        this.moved();
      },
      pointer: (x, y, shape) => {
        const { pictureWidth, pictureHeight } = this.placement;
        const [px, py] = [x / this.canvasWidth, y / this.canvasHeight];
        this.pointer.moved(px * pictureWidth, py * pictureHeight, shape);
      },
      shape: (shape) => this.pointer.add(shape),
      broken: this.broken,
    });
  }

  end() {
    this.painter?.end();
    this.painter = null;
    this.pointer.clear();
  }

  layOut() {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    this.left = left;
    this.top = top;
    this.placement.resize(width, height, devicePixelRatio);
    this.moved();
  }

  moved() {
    const { scale, x, y, ratio, pictureWidth, pictureHeight } = this.placement;
    const [width, height] = [pictureWidth * scale, pictureHeight * scale];
    // Where each pixel becomes one or several whole ones of the device, all of them stay sharp.
    const size = (width * ratio) / this.canvasWidth;
    const isSharp = Math.abs(size - Math.round(size)) * this.canvasWidth < 1 || size >= LARGE;
    Object.assign(this.picture.style, {
      width: `${width}px`,
      height: `${height}px`,
      transform: `translate(${x}px, ${y}px)`,
      imageRendering: isSharp ? "pixelated" : "auto",
    });
    this.pointer.show();
    this.onMoved();
  }

  fit() {
    this.placement.fit();
    this.moved();
  }

  actual() {
    const { width, height } = this.placement;
    this.placement.actual(this.placement.toPicture(width / 2, height / 2));
    this.moved();
  }

  /** How wide the picture is here, in pixels of CSS; its monitor has no more than its own. */
  get usedWidth() {
    const { pictureWidth, scale, ratio } = this.placement;
    return Math.min(pictureWidth * scale, pictureWidth / ratio);
  }

  /**
   * @param {MouseEvent} event
   * @returns {[number, number]}
   */
  at(event) {
    return [event.clientX - this.left, event.clientY - this.top];
  }

  /**
   * Show words over the picture for a while, or, if they are about a state, until the next.
   * @param {string} text
   */
  say(text, isState = false) {
    clearTimeout(this.noting);
    showText(this.note, text);
    if (text && !isState) this.noting = setTimeout(() => showText(this.note), NOTE_MS);
  }

  /** @param {boolean} isShown */
  count(isShown) {
    clearInterval(this.counting);
    if (isShown) {
      this.showFigures();
      this.counting = setInterval(() => this.showFigures(), FIGURES_MS);
    } else showText(this.figures);
  }

  showFigures() {
    const { words, painter } = this;
    const found = painter?.figures();
    const { framesPerSecond = 0, megabitsPerSecond = 0, delay = null } = found ?? {};
    const figure = (/** @type {number} */ value, digits = 0) =>
      new Intl.NumberFormat(words.language, { maximumFractionDigits: digits }).format(value);
    const rates = { frames: figure(framesPerSecond), megabits: figure(megabitsPerSecond, 1) };
    const parts = [words.tr("rates", rates)];
    if (delay !== null) parts.push(words.tr("delay", { delay: figure(delay) }));
    showText(this.figures, parts.join(" · "));
  }
}
