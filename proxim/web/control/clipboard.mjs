// Text from and to the other screen's clipboard, only when the person here says so.

import { make, makeButton } from "../screen/make.mjs";
import { showText } from "../view/elements.mjs";
import { utf8 } from "../bytes.mjs";

// The host types it, which takes its time.
const MAX_PASTE_BYTES = 64 * 1024;
// The limit of core/screen/messages.py
const MAX_COPIED_BYTES = 32 * 1024;
const MAX_REASON = 64;

export class Clipboard {
  // Whether the host was asked for its text and has not answered
  isFetching = false;

  /**
   * @param {Words} words
   * @param {() => Input | null} input
   * @param {() => void} done is called when the keyboard is the other screen's again
   */
  constructor(words, input, done) {
    this.words = words;
    this.input = input;
    const button = (/** @type {string} */ key, /** @type {() => void} */ onclick) =>
      makeButton(words.tr(key), onclick);
    this.note = make("p", { className: "small", hidden: true });
    this.note.setAttribute("role", "status");
    this.text = make("textarea", { rows: 2 });
    this.text.setAttribute("aria-label", words.tr("clipboardText"));
    const paste = button("pasteThere", () => {
      if (this.send(this.text.value)) done();
    });
    const fetch = button("fetchClipboard", () => {
      this.isFetching = true;
      this.input()?.copy();
      showText(this.note, words.tr("fetching"));
    });
    this.copy = button("copyHere", () => this.copyHere());
    this.copy.hidden = true;
    const buttons = make("div", { className: "pair" }, paste, fetch, this.copy);
    // Only a page that came encrypted may read what was copied here.
    if (globalThis.isSecureContext && navigator.clipboard) {
      buttons.prepend(button("pasteFromHere", () => this.pasteFromHere()));
    }
    const title = make("b", { textContent: words.tr("clipboard") });
    this.element = make("div", { className: "clipboard" }, title, this.text, buttons, this.note);
  }

  /**
   * Type a text at the other screen; return false if it is too long.
   * @param {string} text
   */
  send(text) {
    const isShort = utf8(text).length <= MAX_PASTE_BYTES;
    showText(this.note, this.words.tr(isShort ? "pasted" : "tooLong"));
    if (!text) showText(this.note);
    else if (isShort) this.input()?.text(text);
    return isShort;
  }

  async pasteFromHere() {
    try {
      this.text.value = await navigator.clipboard.readText();
      this.send(this.text.value);
    } catch {
      // The person or the browser does not allow it; the field is still there.
      showText(this.note, this.words.tr("pasteByHand"));
    }
  }

  copyHere() {
    this.text.select();
    // iOS needs the selection range as well.
    this.text.setSelectionRange(0, this.text.value.length);
    const isCopied = document.execCommand("copy");
    showText(this.note, this.words.tr(isCopied ? "copied" : "copyByHand"));
  }

  /**
   * The host says what is in its clipboard; return false if it cannot be read. What nobody here
   * asked for does not take the place of what is written in the field.
   * @param {Message} message
   */
  copied({ text, reason }) {
    if (!this.isFetching) return true;
    if (typeof text === "string" && utf8(text).length <= MAX_COPIED_BYTES) {
      this.isFetching = false;
      this.text.value = text;
      this.copy.hidden = !text;
      showText(this.note, this.words.tr(text ? "fetched" : "clipboardEmpty"));
      return true;
    }
    if (typeof reason !== "string" || reason.length > MAX_REASON) return false;
    this.isFetching = false;
    showText(this.note, this.words.sentence(reason, this.words.tr("notFetched")));
    return true;
  }
}
