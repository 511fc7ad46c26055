// The other screen as a person sees it: over the whole page, with a bar on top.

import { make, makeButton } from "./make.mjs";
import { Looking } from "./hands.mjs";
import { Stage } from "./stage.mjs";
import { Tools } from "./tools.mjs";
import { Touches } from "./touches.mjs";
import { Control } from "../control/control.mjs";
import { wheelOf } from "../control/pointing.mjs";

// The host makes its picture for the size of this view. It hears of another size once that stays,
// and only where the difference can be seen, since it then sends everything again.
const TELL_MS = 300;
const MUCH_LARGER = 1.1;
const MUCH_SMALLER = 0.5;
// What a line of a mouse's wheel is in pixels
const LINE = 16;
// So many pixels of a touchpad's pinch make a picture e times as large.
const PINCH_PIXELS = 200;

export class ScreenView {
  isOpen = false;
  isFull = false;
  // What the host was told last
  /** @type {{ id: string, monitor: number, width: number } | null} */
  told = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  telling = undefined;

  /**
   * @param {Words} words
   * @param {import("./share.mjs").Share} share
   * @param {() => void} back is called when the person goes back to the page
   */
  constructor(words, share, back) {
    this.share = share;
    this.back = back;
    this.root = make("div", { className: "screen", tabIndex: -1, hidden: true });
    this.root.setAttribute("role", "dialog");
    this.root.setAttribute("aria-modal", "true");
    this.stage = new Stage(words, () => share.stop("peer_error"));
    this.stage.onMoved = () => this.moved();
    this.looking = new Looking(this.stage.placement, () => this.stage.moved());
    this.control = new Control(words, this.stage, this.root);
    this.touches = new Touches(() => (this.control.isOn ? this.control.hand : this.looking));
    const { control, stage } = this;
    control.onLeave = () => {
      if (this.isFull) this.toggleFull();
      this.tools.stop.focus();
    };
    this.tools = new Tools(words, control.clipboard.element, {
      back,
      askControl: () => share.askControl(),
      keyboard: () => this.toggleKeyboard(),
      keys: () => {
        control.bar.hidden = !control.bar.hidden;
        this.showModes();
      },
      fit: () => stage.fit(),
      actual: () => stage.actual(),
      fullScreen: () => this.toggleFull(),
      look: (monitor) => this.tell(monitor),
      stop: () => share.stop(),
      direct: (isDirect) => {
        control.isDirect = isDirect;
        this.update();
      },
      count: (isShown) => stage.count(isShown),
      closed: () => control.takeFocus(),
    });
    this.handle = makeButton(words.tr("showBar"), () => this.root.classList.remove("bare"));
    this.handle.className = "handle";
    const { bar, panel } = this.tools;
    const middle = make("div", { className: "middle" }, stage.element, panel);
    this.root.append(bar, this.handle, middle, control.bar, control.field);
    document.body.append(this.root);
    this.connect();
  }

  connect() {
    const { root } = this;
    const stage = this.stage.element;
    stage.onpointerdown = (event) => this.pointerDown(event);
    stage.onpointermove = (event) => this.pointerMoved(event);
    stage.onpointerup = (event) => this.pointerUp(event);
    stage.onpointercancel = () => this.letGo();
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    // Nothing of the browser's own happens to what belongs to the other screen.
    for (const type of ["contextmenu", "mousedown", "mouseup", "auxclick", "dragstart"]) {
      stage.addEventListener(type, (event) => event.preventDefault());
    }
    root.onkeydown = (event) => this.tools.has(event.target) || this.control.keyDown(event);
    root.onkeyup = (event) => this.tools.has(event.target) || this.control.keyUp(event);
    new ResizeObserver(() => this.layOut()).observe(stage);
    for (const type of ["resize", "scroll"]) {
      visualViewport?.addEventListener(type, () => this.fitViewport());
    }
    addEventListener("popstate", () => {
      if (this.isOpen && !history.state?.screen) this.back();
    });
    addEventListener("blur", () => this.letGo());
    addEventListener("pagehide", () => this.letGo());
    document.addEventListener("visibilitychange", () => this.lookAway());
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.setFull(false);
    });
  }

  open() {
    if (this.isOpen) return;
    this.isOpen = true;
    this.root.hidden = false;
    this.setPageInert(true);
    // A phone's way back leads to the page, and not away from it.
    history.pushState({ screen: true }, "");
    this.fitViewport();
    this.layOut();
    this.lookAway();
    this.root.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.lookAway();
    if (this.isFull) this.toggleFull();
    this.root.hidden = true;
    this.tools.showPanel(false);
    this.setPageInert(false);
    if (history.state?.screen) history.back();
  }

  /** @param {boolean} isInert */
  setPageInert(isInert) {
    document.documentElement.classList.toggle("seesScreen", isInert);
    for (const one of document.querySelectorAll("body > header, #main")) {
      /** @type {HTMLElement} */ (one).inert = isInert;
    }
  }

  /**
   * Show what the share is now.
   * @param {string} [state] in words
   */
  update(state) {
    const { share, control, stage, tools } = this;
    if (state !== undefined) {
      tools.state.textContent = state;
      this.root.setAttribute("aria-label", state);
    }
    const controls = this.isOpen && share.stage === "controlled";
    this.root.classList.toggle("controls", controls);
    // Fingers that are down belong to what was allowed then.
    if (controls !== control.isOn) this.touches.cancel();
    control.allow(controls, share);
    tools.update(share, { controls, isPhone: control.isPhone, isDirect: control.isDirect });
    const monitor = share.monitors.find(({ id }) => id === share.monitor);
    if (monitor) stage.placement.show(monitor.width, monitor.height);
    stage.moved();
    if (!share.isSeen || !this.isOpen) return;
    if (this.told?.id === share.id) this.told.monitor = share.monitor;
    else this.tell(share.monitor);
  }

  showModes() {
    const { tools, control, stage } = this;
    tools.showModes(stage.placement.mode, this.isFull);
    tools.keys.setAttribute("aria-pressed", String(!control.bar.hidden));
    tools.keyboard.setAttribute("aria-pressed", String(control.isKeyboardOpen));
  }

  /** @param {RTCDataChannel} channel */
  show(channel) {
    this.stage.show(channel);
    this.lookAway();
  }

  /** The share is over. */
  end() {
    this.touches.cancel();
    this.stage.end();
    this.control.end();
    this.told = null;
    clearTimeout(this.telling);
  }

  letGo() {
    this.touches.cancel();
    this.control.letGo();
  }

  /** Acknowledge nothing, and hold nothing, while nobody looks. */
  lookAway() {
    const isSeen = this.isOpen && !document.hidden;
    if (!isSeen) this.letGo();
    this.stage.painter?.hold(!isSeen);
  }

  // --- its size -----------------------------------------------------------------------------------

  /** A phone's keyboard takes a part of what can be seen. */
  fitViewport() {
    if (!visualViewport || !this.isOpen) return;
    const { height, width, offsetTop, offsetLeft } = visualViewport;
    Object.assign(this.root.style, {
      height: `${height}px`,
      width: `${width}px`,
      transform: `translate(${offsetLeft}px, ${offsetTop}px)`,
    });
    this.layOut();
  }

  layOut() {
    if (this.isOpen) this.stage.layOut();
  }

  /** The picture lies elsewhere, or is larger or smaller. */
  moved() {
    this.showModes();
    clearTimeout(this.telling);
    if (this.told && this.share.isSeen) this.telling = setTimeout(() => this.tellSize(), TELL_MS);
  }

  tellSize() {
    if (!this.told || !this.isOpen) return;
    const change = this.stage.usedWidth / this.told.width;
    if (change > MUCH_LARGER || change < MUCH_SMALLER) this.tell(this.share.monitor);
  }

  /** @param {number} monitor */
  tell(monitor) {
    const { pictureWidth, pictureHeight, ratio } = this.stage.placement;
    const width = this.stage.usedWidth;
    this.told = { id: this.share.id, monitor, width };
    this.share.tellView(monitor, width, (width * pictureHeight) / pictureWidth, ratio);
  }

  async toggleFull() {
    const isFull = !this.isFull;
    this.setFull(isFull);
    try {
      // An iPhone has no full screen; there the page's own bar goes at least.
      if (!isFull && document.fullscreenElement) await document.exitFullscreen();
      if (isFull) await this.root.requestFullscreen?.({ navigationUI: "hide" });
      // Where it may, the page now also gets Escape, and what the system would take.
      if (isFull) await /** @type {any} */ (navigator).keyboard?.lock?.();
    } catch {
      // The browser or its person does not want it. The bar is away, as on an iPhone.
    }
  }

  /** @param {boolean} isFull */
  setFull(isFull) {
    this.isFull = isFull;
    this.root.classList.toggle("full", isFull);
    this.root.classList.toggle("bare", isFull);
    if (!isFull) /** @type {any} */ (navigator).keyboard?.unlock?.();
    this.layOut();
  }

  toggleKeyboard() {
    this.control.toggleKeyboard();
    this.showModes();
  }

  // --- mouse and fingers --------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  pointerDown(event) {
    event.preventDefault();
    this.tools.showPanel(false);
    if (this.isFull) this.root.classList.add("bare");
    try {
      this.stage.element.setPointerCapture(event.pointerId);
    } catch {
      // The finger is up again already.
    }
    if (event.pointerType === "touch") {
      this.touches.down(event.pointerId, ...this.stage.at(event), event.timeStamp);
      return;
    }
    this.control.takeFocus();
    this.mouse(event);
  }

  /** @param {PointerEvent} event */
  pointerMoved(event) {
    if (event.pointerType !== "touch") this.mouse(event);
    else this.touches.move(event.pointerId, ...this.stage.at(event));
  }

  /** @param {PointerEvent} event */
  pointerUp(event) {
    if (event.pointerType !== "touch") this.mouse(event);
    else this.touches.up(event.pointerId, event.timeStamp);
  }

  /** @param {PointerEvent} event */
  mouse(event) {
    if (this.control.isOn) this.control.mouse.moved(...this.stage.at(event), event.buttons);
    else if (event.type === "pointermove" && event.buttons & 1) {
      this.looking.slide(event.movementX, event.movementY);
    }
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode ? LINE : 1;
    if (this.control.isPinch(event)) {
      const factor = Math.exp((-event.deltaY * pixels) / PINCH_PIXELS);
      this.stage.placement.zoom(factor, ...this.stage.at(event));
      this.stage.moved();
    } else if (this.control.isOn) this.control.channel?.wheel(...wheelOf(event));
    else this.looking.slide(-event.deltaX * pixels, -event.deltaY * pixels);
  }
}
