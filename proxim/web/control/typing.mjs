// Text that no single key makes: a phone's keyboard, which mostly names no keys (its keyCode is 229),
// input methods, dead keys, emoji, and what is pasted. A field that nobody sees has the focus; what
// changes in it is done at the other screen, too.

import { codeOf } from "./keys.mjs";

// The field always has something to delete: phones do not say that Backspace was tapped in an empty
// field.
const FILLER = "_".repeat(32);
const LEAST = 16;
const MOST = 200;

/**
 * Return what has to be deleted at the end of a text, and then typed, to make it another one.
 * @param {string} before
 * @param {string} after
 */
export function difference(before, after) {
  const [old, now] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  return { deleted: graphemes(old.slice(same).join("")), typed: now.slice(same).join("") };
}

/**
 * Backspace deletes what people take for one character.
 * @param {string} text
 */
function graphemes(text) {
  if (!Intl.Segmenter) return [...text].length;
  return [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)].length;
}

export class Typing {
  before = FILLER;

  /**
   * @param {HTMLTextAreaElement} field
   * @param {() => Input | null} input
   * @param {Modifiers} modifiers
   * @param {() => boolean} isSoft returns whether a phone's keyboard types: what it composes can be
   *   seen at once. Other input methods show it beside the field until it is chosen.
   */
  constructor(field, input, modifiers, isSoft) {
    this.field = field;
    this.input = input;
    this.modifiers = modifiers;
    this.isSoft = isSoft;
    field.oninput = (event) => {
      const isComposing = event instanceof InputEvent && event.isComposing;
      if (!isComposing || isSoft()) this.typed(isComposing);
    };
    field.addEventListener("compositionend", () => this.typed(false));
    this.reset();
  }

  /** @param {boolean} isComposing */
  typed(isComposing) {
    const { value } = this.field;
    const { deleted, typed } = difference(this.before, value);
    this.before = value;
    this.send(deleted, typed);
    const isUsedUp = value.length < LEAST || value.length > MOST;
    // What is being composed must not be changed.
    if (!isComposing && (isUsedUp || !this.isSoft())) this.reset();
  }

  /**
   * @param {number} deleted
   * @param {string} typed
   */
  send(deleted, typed) {
    const input = this.input();
    if (!input) return;
    for (let count = 0; count < deleted; count++) input.tapKey("Backspace", "Backspace");
    if (this.modifiers.isActive && [...typed].length === 1) {
      this.modifiers.use(() => input.tapKey(codeOf(typed), typed));
      return;
    }
    typed.split(/\r?\n/).forEach((line, index) => {
      if (index) input.tapKey("Enter", "Enter");
      input.text(line);
    });
  }

  reset() {
    this.field.value = this.before = FILLER;
    this.field.setSelectionRange(FILLER.length, FILLER.length);
  }
}
