// What a person sees of the session and of texts. All text from others is set as text, never as
// HTML.

import { pieces } from "../link/web_links.mjs";
import { $, addFirst, copyOf, fill, reveal, showText, within } from "./elements.mjs";

// Which items of the list of steps are done at a step. At `ended` they stay as they were.
/** @type {Partial<Record<Step, number>>} */
const STEPS_DONE = { dialing: 1, asked: 1, approved: 3, waiting: 3, connected: 5 };
// This many are done when a request that was asked about ends.
const STEPS_ASKED = 2;
const ALL_STEPS = 5;
// The reasons of ends that the person here wanted, and of those before anything was sent
const WANTED = ["disconnected", "link_copied"];
const NOTHING_SENT = ["link_incomplete", "no_webrtc"];
// The keys of the page's texts
/** @type {Partial<Record<Step, string>>} */
const STATUS = {
  none: "scan",
  doubt: "provesNothing",
  dialing: "reaching",
  asked: "lookThere",
  approved: "opening",
  connected: "linkedWith",
  waiting: "reconnecting",
};
const MAX_TEXTS = 200;

export class View {
  // The page is loaded.
  stepsDone = 1;
  /** @type {Step | null} */
  step = null;

  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    document.documentElement.lang = words.language;
    fill(document, words.page);
  }

  /**
   * @param {SessionState} state
   * @param {{ verified: boolean, inviteLink: string, hostName: string }} more
   */
  showSession(state, { verified, inviteLink, hostName }) {
    const { step, until, reason, sentence, mayRetry } = state;
    const hasEnded = step === "ended";
    const isDoubted = step === "doubt";
    const isActive = step !== "none" && !isDoubted && !hasEnded;
    const isAsking = step === "dialing" || step === "asked";
    this.stepsDone = STEPS_DONE[step] ?? this.stepsDone;
    const wasAsked = this.step === "asked" || reason === "declined";
    if (hasEnded && wasAsked) this.stepsDone = Math.max(this.stepsDone, STEPS_ASKED);
    const hasFailed = hasEnded && ![...WANTED, ...NOTHING_SENT].includes(reason ?? "");
    this.showSteps(isActive ? "now" : hasFailed ? "failed" : "");
    const seconds = until ? Math.max(0, Math.ceil((until - Date.now()) / 1000)) : 0;
    let key = step === "asked" && !seconds ? "waitingAnswer" : STATUS[step];
    if (hasEnded && this.stepsDone === ALL_STEPS) key = "justEnded";
    // A countdown must not be read out at each change.
    $.status.setAttribute("aria-live", step === this.step ? "off" : "polite");
    this.step = step;
    $.status.textContent = key ? this.words.tr(key, { name: hostName, seconds }) : "";
    showText($.problem, hasEnded && reason ? this.endWords(reason, sentence) : "");
    $.problem.classList.toggle("calm", hasEnded && WANTED.includes(reason ?? ""));
    $.again.textContent = this.words.tr(isDoubted ? "askAnyway" : "again");
    reveal($.again, Boolean(hasEnded && mayRetry) || isDoubted);
    // Only another browser can go on where this one has no WebRTC.
    const mayCopy = Boolean(inviteLink) && (isAsking || (hasEnded && reason === "no_webrtc"));
    if ($.copyLink.hidden) $.copyLink.textContent = this.words.tr("copyLink");
    reveal($.copyLink, mayCopy);
    $.link.hidden ||= !mayCopy;
    $.linked.hidden = step !== "connected";
    $.leave.textContent = this.words.tr(isAsking ? "cancel" : "disconnect");
    $.leave.hidden = !isActive;
    showText($.badge, isActive ? this.words.tr(verified ? "verified" : "unverified") : "");
    $.badge.classList.toggle("amber", !verified);
  }

  /**
   * Say why the session has ended. Some sentences are the page's own, as it takes no typed code.
   * @param {string} reason
   * @param {string} [sentence]
   */
  endWords(reason, sentence) {
    if (reason === "disconnected") {
      return this.words.tr(this.stepsDone === ALL_STEPS ? "youLeft" : "stopped");
    }
    if (reason === "link_incomplete") return this.words.tr("incomplete");
    return this.words.sentence(reason, sentence);
  }

  /**
   * Copy `link`, or show it, to be copied by hand, and return false.
   * @param {string} link
   */
  copyLink(link) {
    showText($.link, link);
    const isCopied = copyText(link, $.link);
    if (isCopied) showText($.link);
    $.copyLink.textContent = this.words.tr(isCopied ? "copied" : "copyByHand");
    return isCopied;
  }

  /** @param {"now" | "failed" | ""} next says what the first step is that is not done */
  showSteps(next) {
    [...$.steps.children].forEach((item, index) => {
      const isNow = index === this.stepsDone;
      item.className = "";
      if (index < this.stepsDone) item.className = "done";
      else if (isNow) item.className = next;
      item.setAttribute("aria-current", isNow && next ? "step" : "false");
    });
    $.steps.hidden = this.stepsDone === ALL_STEPS;
  }

  /**
   * @param {string} sender
   * @param {string} text
   */
  addText(sender, text) {
    const item = copyOf("message", this.words.page);
    const body = within(item, "p", HTMLElement);
    const button = within(item, "button", HTMLButtonElement);
    within(item, "span", HTMLElement).textContent = sender;
    body.append(...pieces(text).map(pieceOf));
    button.onclick = () => {
      button.textContent = this.words.tr(copyText(text, body) ? "copied" : "copyByHand");
    };
    addFirst($.texts, item);
    if ($.texts.children.length > MAX_TEXTS) $.texts.lastElementChild?.remove();
  }
}

/**
 * An address opens in a tab of its own, and gets no access to this page and not its address.
 * @param {import("../link/web_links.mjs").Piece} piece
 */
function pieceOf({ text, isAddress }) {
  if (!isAddress) return text;
  const link = document.createElement("a");
  link.href = text;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = text;
  return link;
}

/**
 * Copy `text`, or select it in `element` and return false. A page over http has no clipboard API.
 * @param {string} text
 * @param {HTMLElement} element
 */
function copyText(text, element) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  // Elsewhere the page would scroll to it.
  area.style.position = "fixed";
  document.body.append(area);
  area.select();
  // iOS needs the selection range as well.
  area.setSelectionRange(0, text.length);
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!isCopied) getSelection()?.selectAllChildren(element);
  return isCopied;
}
