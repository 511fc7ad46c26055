// Everything by which a person here uses the other screen: mouse, fingers, keys, clipboard.

import { make } from "../screen/make.mjs";
import { keyBar } from "./bar.mjs";
import { Clipboard } from "./clipboard.mjs";
import { Input } from "./input.mjs";
import { Keys } from "./keys.mjs";
import { Modifiers } from "./modifiers.mjs";
import { Direct, Hover, Mouse, Touchpad } from "./pointing.mjs";
import { Typing } from "./typing.mjs";

// A keyboard on the screen takes more than this part of it.
const KEYBOARD_PART = 0.15;

export class Control {
  // Whether it is allowed, and the person looks
  isOn = false;
  // Whether touches go straight to what is touched
  isDirect = false;
  /** What follows when the keyboard is the page's again: it needs a place there. */
  onLeave = () => {};
  /** @type {Input | null} */
  channel = null;
  // The share that the channel is for
  id = "";
  keyboardWasSeen = false;
  // Whether the person took the keyboard back for the page
  isLeft = false;

  /**
   * @param {Words} words
   * @param {import("../screen/stage.mjs").Stage} stage
   * @param {HTMLElement} root
   */
  constructor(words, stage, root) {
    this.root = root;
    this.field = make("textarea", { className: "catcher", spellcheck: false, rows: 1 });
    for (const name of ["autocapitalize", "autocomplete", "autocorrect"]) {
      this.field.setAttribute(name, "off");
    }
    this.field.setAttribute("aria-label", words.tr("typeHere"));
    const input = () => (this.isOn ? this.channel : null);
    this.input = input;
    this.modifiers = new Modifiers(input);
    const { placement, pointer } = stage;
    const hover = new Hover(placement, pointer, input, this.modifiers, () => stage.moved());
    this.touchpad = new Touchpad(hover);
    this.direct = new Direct(hover);
    this.mouse = new Mouse(hover);
    this.keys = new Keys(input, this.modifiers, navigator.userAgent, () => this.leave());
    this.field.onfocus = () => {
      this.isLeft = false;
    };
    this.typing = new Typing(this.field, input, this.modifiers, () => this.isPhone);
    this.bar = keyBar(words, input, this.modifiers);
    this.bar.hidden = true;
    this.clipboard = new Clipboard(words, input, () => this.takeFocus());
    this.field.onpaste = (event) => {
      if (!this.isOn || this.isPhone) return;
      event.preventDefault();
      this.clipboard.send(event.clipboardData?.getData("text/plain") ?? "");
    };
  }

  // Whether there are fingers and no mouse
  get isPhone() {
    return matchMedia("(pointer: coarse)").matches;
  }

  /** @returns {Hand} */
  get hand() {
    return this.isDirect ? this.direct : this.touchpad;
  }

  get isKeyboardOpen() {
    return document.activeElement === this.field;
  }

  /**
   * @param {boolean} isOn
   * @param {import("../screen/share.mjs").Share} share
   */
  allow(isOn, { link, id }) {
    if (isOn && link && id !== this.id) {
      // The channel of an earlier share has ended with its link.
      this.channel?.end();
      this.channel = new Input(link.peer.createDataChannel(`input/${id}`));
      this.id = id;
    }
    if (isOn === this.isOn) return;
    if (!isOn) this.letGo();
    this.isOn = isOn;
    // Phones lack these keys, and mice are mostly next to a keyboard.
    this.bar.hidden = !(isOn && this.isPhone);
    this.takeFocus();
  }

  /** The share is over. */
  end() {
    this.letGo();
    this.isOn = false;
    this.bar.hidden = true;
    this.channel?.end();
    this.channel = null;
    this.id = "";
  }

  /** Press nothing any more. */
  letGo() {
    this.input()?.release();
    this.keys.forget();
    this.mouse.forget();
    this.modifiers.forget();
    this.typing.reset();
  }

  /** Let the keyboard be the page's, until the person goes back to the picture. */
  leave() {
    this.letGo();
    this.isLeft = true;
    this.onLeave();
  }

  /** Let the keyboard be the other screen's. */
  takeFocus() {
    if (!this.isOn) return;
    this.isLeft = false;
    // A phone would open its keyboard over the picture.
    const target = this.isPhone && !this.isKeyboardOpen ? this.root : this.field;
    target.focus({ preventScroll: true });
  }

  /** Open or close a phone's keyboard; return whether it is open. */
  toggleKeyboard() {
    const isSeen = (visualViewport?.height ?? 0) < innerHeight * (1 - KEYBOARD_PART);
    this.keyboardWasSeen ||= isSeen;
    // Android's way back hides the keyboard, and the field keeps the focus.
    const isHidden = this.keyboardWasSeen && !isSeen;
    const opens = !this.isKeyboardOpen || isHidden;
    this.field.blur();
    if (opens) this.field.focus({ preventScroll: true });
    else this.root.focus({ preventScroll: true });
    return opens;
  }

  /** @param {KeyboardEvent} event */
  keyDown(event) {
    if (this.isOn && !this.isLeft && this.keys.down(event)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  keyUp(event) {
    if (this.isOn && !this.isLeft) this.keys.up(event);
  }

  /**
   * Whether a wheel with Control is a pinch on a touchpad, as browsers report it.
   * @param {WheelEvent} event
   */
  isPinch({ ctrlKey }) {
    const { held } = this.channel ?? {};
    return ctrlKey && !held?.has("ControlLeft") && !held?.has("ControlRight");
  }
}
