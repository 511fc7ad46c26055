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
      button.onclick = () => modifiers.tap(code);
    } else {
      button.setAttribute("aria-label", key);
      repeating(button, () => modifiers.use(() => input()?.tapKey(code, key)));
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
 * Call `tap` for a click, and again and again while the button is held.
 * @param {HTMLButtonElement} button
 * @param {() => void} tap
 */
function repeating(button, tap) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer = undefined;
  let hasRepeated = false;
  const again = () => {
    hasRepeated = true;
    tap();
    timer = setTimeout(again, 80);
  };
  button.addEventListener("pointerdown", () => {
    hasRepeated = false;
    timer = setTimeout(again, REPEAT_AFTER_MS);
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
    button.addEventListener(type, () => clearTimeout(timer));
  }
  button.onclick = () => {
    if (!hasRepeated) tap();
    hasRepeated = false;
  };
}
