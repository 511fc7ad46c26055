// A real keyboard: each key's place and meaning, as core/control/messages.py wants them.

// Input methods make text of these keys, which comes by itself (typing.mjs).
const COMPOSING = ["Dead", "Process", "Unidentified", "Compose"];
// The characters come as what they are, so the host's own locks stay as they are; ScrollLock changes
// no character, and is the host's.
const LOCKS = ["CapsLock", "NumLock"];
const ALONE = ["Control", "Alt", "Shift", "Meta"];
// Pressed together and released without another key, these give the keyboard back to the page, as in
// Proxim's window and in Guacamole.
const LEAVING = ["Control", "Alt", "Shift"];
// Windows presses Control just before AltGr.
const ALTGR_MS = 30;
// The keys of phones that have no code, only a meaning
const NAMED =
  /^(Enter|Tab|Backspace|Escape|Delete|Insert|Home|End|Page(Up|Down)|Arrow\w+|F\d{1,2})$/;

/**
 * Return the code of the key that makes this on a US keyboard, as far as that needs no table.
 * @param {string} key
 */
export function codeOf(key) {
  if (/^[a-z]$/i.test(key)) return `Key${key.toUpperCase()}`;
  if (/^[0-9]$/.test(key)) return `Digit${key}`;
  if (key === " ") return "Space";
  return NAMED.test(key) ? key : "Unidentified";
}

/**
 * Return what a key means. On X11, Shift makes Meta of Alt.
 * @param {{ code: string, key: string, shiftKey?: boolean }} event
 */
const meaningOf = ({ code, key, shiftKey }) =>
  key === "Meta" && shiftKey && code.startsWith("Alt") ? "Alt" : key;

/** @param {string} key */
const isPrintable = (key) => [...key].length === 1;

export class Keys {
  // Control was pressed, and may yet turn out to be a part of AltGr.
  /** @type {ReturnType<typeof setTimeout> | null} */
  control = null;
  // Option was pressed on a Mac, and may yet turn out to make a character.
  option = "";
  // Which of LEAVING are down
  /** @type {Set<string>} */
  leaving = new Set();

  /**
   * @param {() => Input | null} input
   * @param {Modifiers} modifiers
   * @param {string} system
   * @param {() => void} leave is called when the keyboard is to be the page's again
   */
  constructor(input, modifiers, system, leave) {
    this.leave = leave;
    this.input = input;
    this.modifiers = modifiers;
    this.isWindows = system.includes("Windows");
    this.isMac = system.includes("Mac");
  }

  /**
   * Return whether the key is handled, and must do nothing else here.
   * @param {KeyboardEvent} event
   */
  down(event) {
    const { isComposing, keyCode } = event;
    const key = meaningOf(event);
    if (isComposing || keyCode === 229 || COMPOSING.includes(key)) return false;
    const code = event.code || codeOf(key);
    if (event.repeat || LOCKS.includes(key)) return true;
    // With another key they are a shortcut, which is meant for the other side.
    this.leaving = LEAVING.includes(key) ? new Set([...this.leaving, key]) : new Set();
    if (key === "AltGraph") {
      // Its release is that of a key which was never pressed.
      this.dropControl();
      return true;
    }
    this.sendControl();
    if (this.isWindows && code === "ControlLeft") {
      this.control = setTimeout(() => this.sendControl(), ALTGR_MS);
      return true;
    }
    if (this.isMac && key === "Alt") {
      this.option = code;
      return true;
    }
    const makesCharacter = isPrintable(key) && !event.ctrlKey && !event.metaKey;
    if (this.option && !makesCharacter) this.send(this.option, "Alt");
    if (ALONE.includes(key)) this.send(code, key);
    else this.pressed(event, code);
    return true;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} code
   */
  pressed(event, code) {
    const { key } = event;
    // A Mac does not say when a key is released while Command is held, nor a phone's keyboard.
    const isTap = (this.isMac && event.metaKey) || !event.code;
    this.modifiers.press();
    this.send(code, key);
    if (isTap) this.up({ code, key });
    else if (this.modifiers.down.length) this.up({ code, key });
  }

  /** @param {{ code: string, key: string, shiftKey?: boolean }} event */
  up(event) {
    const key = meaningOf(event);
    const code = event.code || codeOf(key);
    if (code === "ControlLeft") this.sendControl();
    if (key === "Alt" && code === this.option) this.option = "";
    this.input()?.key(code, key, false);
    if (LEAVING.includes(key) && this.leaving.size === LEAVING.length) this.leave();
    this.leaving.delete(key);
    if (!ALONE.includes(key)) this.modifiers.release();
  }

  /**
   * @param {string} code
   * @param {string} key
   */
  send(code, key) {
    this.input()?.key(code, key, true);
  }

  dropControl() {
    if (this.control !== null) clearTimeout(this.control);
    this.control = null;
  }

  sendControl() {
    if (this.control === null) return;
    this.dropControl();
    this.send("ControlLeft", "Control");
  }

  /** Nothing is down any more. */
  forget() {
    this.dropControl();
    this.option = "";
    this.leaving.clear();
  }
}
