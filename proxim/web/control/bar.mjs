// The bar of the keys that a phone's keyboard lacks.

import { MODIFIERS } from "./modifiers.mjs";
import { make, makeButton } from "../screen/make.mjs";

// What stands on the keys; the words of each are for screen readers.
/** @type {Record<string, { label: string, key: string }>} */
const KEYS = {
  Escape: { label: "Esc", key: "Escape" },
  Tab: { label: "Tab", key: "Tab" },
  ControlLeft: { label: "keyControl", key: MODIFIERS.ControlLeft },
  AltLeft: { label: "Alt", key: MODIFIERS.AltLeft },
  ShiftLeft: { label: "⇧", key: MODIFIERS.ShiftLeft },
  MetaLeft: { label: "Super", key: MODIFIERS.MetaLeft },
  ArrowLeft: { label: "←", key: "ArrowLeft" },
  ArrowUp: { label: "↑", key: "ArrowUp" },
  ArrowDown: { label: "↓", key: "ArrowDown" },
  ArrowRight: { label: "→", key: "ArrowRight" },
  Home: { label: "keyHome", key: "Home" },
  End: { label: "keyEnd", key: "End" },
  PageUp: { label: "keyPageUp", key: "PageUp" },
  PageDown: { label: "keyPageDown", key: "PageDown" },
  Delete: { label: "keyDelete", key: "Delete" },
};
const REPEAT_AFTER_MS = 400;
const REPEAT_MS = 80;
// A click that belongs to a tap comes this soon.
const CLICK_MS = 500;

/**
 * Make the bar.
 * @param {Words} words
 * @param {() => Input | null} input
 * @param {Modifiers} modifiers
 */
export function keyBar(words, input, modifiers) {
  const bar = make("div", { className: "keys" });
  /** @type {Map<string, HTMLButtonElement>} */
  const sticky = new Map();
  for (const [code, { label, key }] of Object.entries(KEYS)) {
    const text = label.startsWith("key") ? words.tr(label) : label;
    const button = makeButton(text);
    button.dataset.code = code;
    if (code in MODIFIERS) {
      sticky.set(code, button);
      onTap(button, () => modifiers.tap(code), false);
    } else {
      button.setAttribute("aria-label", key);
      onTap(button, () => modifiers.use(() => input()?.tapKey(code, key)));
    }
    bar.append(button);
  }
  modifiers.changed = () => {
    for (const [code, button] of sticky) {
      const state = modifiers.state(code);
      button.setAttribute("aria-pressed", String(state !== "off"));
      button.classList.toggle("locked", state === "locked");
    }
  };
  modifiers.changed();
  return bar;
}

/**
 * Call `tap` when a button is tapped, and again and again while it is held if it repeats. Chromium
 * makes no click of a tap right behind other gestures.
 * @param {HTMLButtonElement} button
 * @param {() => void} tap
 */
function onTap(button, tap, repeats = true) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer = undefined;
  let isDown = false;
  let hasRepeated = false;
  let tappedAt = -Infinity;
  const again = () => {
    hasRepeated = true;
    tap();
    timer = setTimeout(again, REPEAT_MS);
  };
  button.onpointerdown = () => {
    isDown = true;
    hasRepeated = false;
    if (repeats) timer = setTimeout(again, REPEAT_AFTER_MS);
  };
  button.onpointerup = () => {
    clearTimeout(timer);
    if (isDown && !hasRepeated) tap();
    isDown = false;
    tappedAt = performance.now();
  };
  // The bar is scrolled, or the finger has left the button.
  button.onpointercancel = button.onpointerleave = () => {
    clearTimeout(timer);
    isDown = false;
  };
  // A keyboard or a screen reader clicks without a finger.
  button.onclick = () => {
    if (performance.now() - tappedAt > CLICK_MS) tap();
  };
}
