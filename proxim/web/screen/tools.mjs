// The bar over the other screen, and the panel of what is needed less often.

import { make, makeButton } from "./make.mjs";
import { shown } from "../sanitize.mjs";

const MAX_MONITOR_NAME = 24;
// The id of all monitors together (core/screen/messages.py)
const ALL_MONITORS = 2 ** 31;

/**
 * @typedef {object} Actions
 * @property {() => void} back
 * @property {() => void} askControl
 * @property {() => void} keyboard
 * @property {() => void} keys
 * @property {() => void} fit
 * @property {() => void} actual
 * @property {() => void} fullScreen
 * @property {(monitor: number) => void} look
 * @property {() => void} stop
 * @property {(isDirect: boolean) => void} direct
 * @property {(isShown: boolean) => void} count
 * @property {() => void} closed
 */

export class Tools {
  /**
   * @param {Words} words
   * @param {HTMLElement} clipboard
   * @param {Actions} actions
   */
  constructor(words, clipboard, actions) {
    this.words = words;
    this.clipboard = clipboard;
    this.actions = actions;
    const tool = (/** @type {string} */ key, /** @type {() => void} */ onclick) =>
      makeButton(words.tr(key), onclick);
    this.back = tool("back", actions.back);
    this.askControl = tool("askControl", actions.askControl);
    this.keyboard = tool("keyboard", actions.keyboard);
    this.keys = tool("keys", actions.keys);
    this.fit = tool("fit", actions.fit);
    this.actual = tool("actual", actions.actual);
    this.full = tool("fullScreen", actions.fullScreen);
    this.monitors = make("select", { onchange: () => actions.look(Number(this.monitors.value)) });
    this.monitors.setAttribute("aria-label", words.tr("monitor"));
    this.more = tool("more", () => this.showPanel(Boolean(this.panel.hidden)));
    this.stop = tool("stop", actions.stop);
    this.stop.classList.add("stop");
    this.state = make("p", { className: "state" });
    this.state.setAttribute("role", "status");
    const all = [this.askControl, this.keyboard, this.keys, this.fit, this.actual, this.full];
    const tools = make("div", { className: "tools" }, ...all, this.monitors, this.more);
    this.bar = make("div", { className: "bar" }, this.back, this.state, tools, this.stop);

    const direct = this.checkbox("directTouch", actions.direct);
    this.direct = direct;
    this.help = make("ul", { className: "help" });
    const close = tool("close", () => this.showPanel(false));
    const rest = [direct, this.checkbox("figures", actions.count), clipboard, this.help, close];
    this.panel = make("div", { className: "panel", hidden: true }, ...rest);
    this.showPanel(false);
  }

  /**
   * @param {string} key
   * @param {(isChecked: boolean) => void} changed
   */
  checkbox(key, changed) {
    const box = make("input", { type: "checkbox", name: key });
    box.onchange = () => changed(box.checked);
    return make("label", {}, box, this.words.tr(key));
  }

  /** @param {boolean} isShown */
  showPanel(isShown) {
    const wasShown = !this.panel.hidden;
    this.panel.hidden = !isShown;
    this.more.setAttribute("aria-expanded", String(isShown));
    if (wasShown && !isShown) this.actions.closed();
  }

  /**
   * Whether a key or a touch belongs to these controls.
   * @param {EventTarget | null} target
   */
  has(target) {
    return target instanceof Node && (this.panel.contains(target) || this.monitors === target);
  }

  /**
   * @param {import("./share.mjs").Share} share
   * @param {{ controls: boolean, isPhone: boolean, isDirect: boolean }} more
   */
  update(share, { controls, isPhone, isDirect }) {
    const { words } = this;
    this.askControl.hidden = share.stage !== "viewed";
    this.askControl.disabled = share.asksControl;
    this.askControl.textContent = words.tr(share.asksControl ? "controlAsked" : "askControl");
    this.keyboard.hidden = !(controls && isPhone);
    this.keys.hidden = !controls;
    this.direct.hidden = !controls;
    this.clipboard.hidden = !controls;
    this.showHelp(controls, isDirect);
    this.showMonitors(share);
  }

  /**
   * @param {boolean} controls
   * @param {boolean} isDirect
   */
  showHelp(controls, isDirect) {
    const mine = isDirect ? ["helpDirect", "helpDirectDrag"] : ["helpTouchpad", "helpTouchpadDrag"];
    const keys = controls ? [...mine, "helpWheel", "helpPinch"] : ["helpPan", "helpTwice"];
    const forFingers = navigator.maxTouchPoints ? keys : [];
    const all = controls ? [...forFingers, "keyboardBack"] : forFingers;
    this.help.replaceChildren(...all.map((key) => make("li", { textContent: this.words.tr(key) })));
    this.help.hidden = !all.length;
    this.direct.hidden ||= !navigator.maxTouchPoints;
  }

  /** @param {import("./share.mjs").Share} share */
  showMonitors({ monitors, monitor }) {
    this.monitors.hidden = monitors.length < 2;
    const options = monitors.map(({ id, name }, index) => {
      const number = this.words.tr("monitorNumber", { number: index + 1 });
      const single = shown(name, MAX_MONITOR_NAME) || number;
      return make("option", {
        value: String(id),
        textContent: id === ALL_MONITORS ? this.words.tr("allMonitors") : single,
      });
    });
    this.monitors.replaceChildren(...options);
    this.monitors.value = String(monitor);
  }

  /**
   * @param {string} mode is one of Placement
   * @param {boolean} isFull
   */
  showModes(mode, isFull) {
    this.fit.setAttribute("aria-pressed", String(mode === "fit"));
    this.actual.setAttribute("aria-pressed", String(mode === "actual"));
    this.full.setAttribute("aria-pressed", String(isFull));
  }

  /** @param {number} count is how many questions wait on the page */
  showQuestions(count) {
    const words = this.words.tr("back");
    this.back.textContent = count ? `${words} (${count})` : words;
    this.back.classList.toggle("waits", count > 0);
  }
}
