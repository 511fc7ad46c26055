// Shared screens. Their modules are loaded once one is asked for or offered.

import { $, showText } from "../view/elements.mjs";

/** @typedef {Awaited<ReturnType<typeof import("../screen/screen.mjs").begin>>} Screen */

export class Screens {
  word = "screen";
  /** @type {Link | null} */
  link = null;
  /** @type {Screen | null} */
  screen = null;
  /** @type {Promise<Screen> | null} */
  loading = null;

  /**
   * @param {Words} words
   * @param {() => string} hostName
   */
  constructor(words, hostName) {
    this.words = words;
    this.hostName = hostName;
    $.askScreen.onclick = () => this.use((screen) => screen.ask());
  }

  /** @param {(screen: Screen) => void} action */
  async use(action) {
    try {
      this.loading ??= import("../screen/screen.mjs").then(({ begin }) =>
        begin(this.words, this.hostName),
      );
      const screen = await this.loading;
      if (screen !== this.screen && this.link) screen.linkUp(this.link);
      this.screen = screen;
    } catch {
      this.loading = null;
      showText($.problem, this.words.tr("loadFailed"));
    }
    if (this.screen) action(this.screen);
  }

  /**
   * @param {Message} message
   * @param {Link} link
   */
  message(message, link) {
    if (!String(message.type).startsWith("screen_")) return false;
    this.use((screen) => screen.message(message, link));
    return true;
  }

  /** @param {RTCDataChannel} channel */
  channel(channel) {
    return Boolean(this.screen?.channel(channel));
  }

  /** @param {Link} link */
  linkUp(link) {
    this.link = link;
    $.askScreen.hidden = false;
    this.screen?.linkUp(link);
  }

  linkDown() {
    this.link = null;
    $.askScreen.hidden = true;
    this.screen?.linkDown();
  }
}
