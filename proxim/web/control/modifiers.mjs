// Modifier keys that are tapped in the bar instead of held: they go with the next key or click.

// The codes of the keys, and what they are
/** @type {Record<string, string>} */
export const MODIFIERS = {
  ControlLeft: "Control",
  AltLeft: "Alt",
  ShiftLeft: "Shift",
  MetaLeft: "Meta",
};

/** @typedef {"off" | "once" | "locked"} Stickiness */

export class Modifiers {
  /** @type {Map<string, Stickiness>} */
  states = new Map();
  /** @type {string[]} */
  down = [];
  // Called when a state has changed
  changed = () => {};

  /** @param {() => Input | null} input */
  constructor(input) {
    this.input = input;
  }

  get isActive() {
    return this.states.size > 0;
  }

  /** @param {string} code */
  state(code) {
    return this.states.get(code) ?? "off";
  }

  /**
   * A tap: for the next key, then for all, then not any more. Meta also does something by itself,
   * which a second tap is for.
   * @param {string} code
   */
  tap(code) {
    const state = this.state(code);
    if (state === "off") this.states.set(code, "once");
    else if (state === "once" && code !== "MetaLeft") this.states.set(code, "locked");
    else {
      this.states.delete(code);
      if (code === "MetaLeft") this.input()?.tapKey(code, MODIFIERS[code]);
    }
    this.changed();
  }

  /** Hold what was tapped, as a key or button goes down. */
  press() {
    const input = this.input();
    for (const code of this.states.keys()) {
      // A real key may be down already.
      if (input?.held.has(code)) continue;
      input?.key(code, MODIFIERS[code], true);
      this.down.push(code);
    }
  }

  /** The key or button is up again. */
  release() {
    for (const code of this.down.splice(0).reverse()) {
      this.input()?.key(code, MODIFIERS[code], false);
    }
    let isChanged = false;
    for (const [code, state] of [...this.states]) {
      if (state === "once") isChanged = this.states.delete(code);
    }
    if (isChanged) this.changed();
  }

  /** @param {() => void} action */
  use(action) {
    this.press();
    action();
    this.release();
  }

  /** Everything was let go of. */
  forget() {
    this.down = [];
    this.states.clear();
    this.changed();
  }
}
