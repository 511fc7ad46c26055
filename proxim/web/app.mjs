// The app: it connects the session, what its link carries, and the view.

import { browserName, device, firstRequest, invitation } from "./pairing/ask.mjs";
import { isIncomplete, randomID, recall, remember } from "./pairing/ask.mjs";
import { RESUME_MS, Session } from "./pairing/session.mjs";
import { Screens } from "./link/screens.mjs";
import { Texts, sendText } from "./link/texts.mjs";
import { TransferStore } from "./files/store.mjs";
import { Transfers } from "./files/transfers.mjs";
import { $, showText } from "./view/elements.mjs";
import { TransfersView } from "./view/transfers.mjs";
import { View } from "./view/view.mjs";
import { Words } from "./view/words.mjs";
import { utf8 } from "./bytes.mjs";
import { shown } from "./sanitize.mjs";

const MAX_NAME = 40;
const MAX_NAME_BYTES = 64;
// Timers draw the transfers, as a hidden tab gets no animation frames.
const DRAW_MS = 250;
const COUNTDOWN_MS = 500;

class App {
  /** @type {Session | null} */
  session = null;
  /** @type {Transfers | null} */
  transfers = null;
  // The last link, whether it is open or not
  /** @type {Link | null} */
  link = null;
  /** @type {SessionState} */
  state = invitation ? { step: "doubt" } : { step: "none" };
  // Transfers that have changed since they were drawn
  /** @type {Set<Transfer>} */
  changed = new Set();
  /** @type {ReturnType<typeof setTimeout> | null} */
  drawing = null;

  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.view = new View(words);
    this.transfersView = new TransfersView(words);
    this.screens = new Screens(words, () => this.hostName);
    // A page that was loaded again resumes its link, and what an earlier page of its tab has kept.
    this.resumes = invitation?.method === "resume";
    const tab = (this.resumes && recall("sessionStorage", "tab")) || randomID();
    remember("sessionStorage", "tab", tab);
    this.store = new TransferStore(tab);
    this.connectControls();
    $.name.value = device.name;
    $.main.inert = false;
    if (isIncomplete) this.state = { step: "ended", reason: "link_incomplete" };
    // Reading what was kept may take a while.
    if (this.resumes) this.state = { step: "waiting", until: Date.now() + RESUME_MS };
    const ended = invitation?.ended;
    if (ended) this.state = { step: "ended", reason: ended, mayRetry: true };
    this.show();
    if (invitation?.secret && !ended) this.begin(firstRequest);
    else this.store.forgetClosed();
  }

  /** @param {PairRequest | null} request */
  async begin(request = null) {
    if (!invitation) return;
    const transfers = new Transfers((transfer) => this.drawSoon(transfer), this.store);
    const texts = new Texts((text) => this.view.addText(this.hostName, text));
    this.transfers = transfers;
    this.session = new Session({
      pass: invitation,
      device: { ...device },
      request,
      // All that is said of control is said of a screen.
      features: [texts, transfers, this.screens, { word: "control", message: () => false }],
      onStep: (state) => {
        this.state = state;
        if (state.step === "ended") {
          transfers.end(state.reason ?? "internal");
          this.screens.screen?.end();
        }
        this.show();
      },
      onLinked: (link) => {
        this.link = link;
        this.store.forgetClosed();
        // The greeting has the host's name.
        link.onGreeted = () => this.show();
      },
    });
    // What an older page has kept may be unreadable, but must not keep the link from opening.
    if (this.resumes) await transfers.restore().catch(() => {});
    await this.session.start();
  }

  get hostName() {
    return shown(this.link?.peerName ?? "", MAX_NAME) || this.words.tr("otherDevice");
  }

  show() {
    this.view.showSession(this.state, {
      verified: Boolean(invitation?.secret),
      inviteLink: invitation?.link ?? "",
      hostName: this.hostName,
    });
  }

  /** @param {Transfer} transfer */
  drawSoon(transfer) {
    this.changed.add(transfer);
    this.drawing ??= setTimeout(() => this.draw());
  }

  draw() {
    this.drawing = this.changed.size ? setTimeout(() => this.draw(), DRAW_MS) : null;
    for (const transfer of this.changed) this.transfersView.show(transfer, this.hostName);
    this.changed.clear();
  }

  connectControls() {
    for (const input of [$.files, $.camera, $.folder]) {
      input.onchange = () => {
        const files = [...(input.files ?? [])];
        const chosen = files.map((file) => ({ file, path: file.webkitRelativePath || file.name }));
        const isEmpty = !chosen.length && input === $.folder;
        showText($.problem, isEmpty ? this.words.tr("emptyFolder") : "");
        $.emptyFolders.textContent = this.words.tr("emptyFolders");
        if (chosen.length) this.transfers?.send(chosen);
        // The same files may be chosen again.
        input.value = "";
      };
    }
    // Firefox shows an empty folder as a choice of no files. To Chromium it is the same as no choice.
    $.folder.oncancel = () => {
      showText($.problem);
      $.emptyFolders.textContent = this.words.tr("noFolder");
    };
    // What was said of one choice says nothing of the next.
    $.folder.onclick = () => {
      showText($.problem);
      $.emptyFolders.textContent = this.words.tr("emptyFolders");
    };
    // The pickers of phones offer files only, no folders.
    const isPhone = /Android|iPhone|iPad/.test(navigator.userAgent);
    if ($.folder.parentElement) $.folder.parentElement.hidden = isPhone;
    $.filesOnly.hidden = !isPhone;
    $.emptyFolders.hidden = isPhone;

    $.say.onsubmit = (event) => {
      event.preventDefault();
      this.sendText($.text.value);
    };
    $.text.oninput = () => showText($.problem);
    $.rename.onsubmit = (event) => {
      event.preventDefault();
      this.rename($.name.value);
    };
    $.again.onclick = () => this.begin();
    $.copyLink.onclick = () => {
      // While this page asks, another browser would be told that the code is in use.
      const isCopied = this.view.copyLink(invitation?.link ?? "");
      if (isCopied && this.state.step !== "ended") this.session?.leave("link_copied");
    };
    $.leave.onclick = () => this.leave();

    // iOS Safari has no beforeunload (ctrl.blog/entry/safari-beacon-issues.html): there the page
    // closes without a question, and what is kept goes on when it is loaded again.
    addEventListener("beforeunload", (event) => {
      if (this.transfers?.isMoving) event.preventDefault();
    });
    // The person has opened another invitation in this tab.
    addEventListener("hashchange", () => location.reload());
    // The network or the person is back.
    for (const type of ["online", "pageshow", "visibilitychange"]) {
      addEventListener(type, () => {
        if (!document.hidden) this.session?.wake();
      });
    }
    setInterval(() => {
      if (this.state.until) this.show();
    }, COUNTDOWN_MS);
  }

  /** @param {string} text */
  sendText(text) {
    if (!text || !this.link) return;
    if (!sendText(this.link, text)) {
      const { isOpen } = this.link;
      showText($.problem, isOpen ? this.words.reasons.text_too_long : this.words.tr("textKept"));
      return;
    }
    showText($.problem);
    this.view.addText(this.words.tr("you"), text);
    $.text.value = "";
  }

  /** @param {string} wanted */
  async rename(wanted) {
    let name = shown(wanted, MAX_NAME);
    // An empty field stands for the browser's own name.
    const isUnusable = !name && Boolean(wanted.trim());
    $.renamed.classList.toggle("failed", isUnusable);
    $.renamed.textContent = isUnusable ? this.words.reasons.name_unusable : "";
    if (isUnusable) return;
    while (utf8(name).length > MAX_NAME_BYTES) name = name.replace(/.$/u, "");
    remember("localStorage", "name", name);
    $.name.value = device.name = name || browserName();
    if (this.state.step === "asked") {
      // The host is asked again, with the new name. If it heard of that first, it would say that the
      // code is in use.
      const { session } = this;
      await session?.leave();
      if (this.session === session) this.begin();
    } else $.renamed.textContent = this.words.tr("renamed");
  }

  leave() {
    // A transfer that is not cancelled would wait for its peer. Those that wait for their turn come
    // last in the list, and must not start because others before them are cancelled.
    for (const transfer of this.transfers?.alive.reverse() ?? []) transfer.cancel();
    this.session?.leave();
  }
}

try {
  const response = await fetch("texts.json");
  new App(new Words(await response.json()));
} catch {
  // There are no texts in the person's language.
  $.status.textContent = "Proxim does not answer any more. Load this page again.";
}
