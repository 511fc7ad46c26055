// Shared screens in this page, from the first question to the end. This module and those that it
// needs are loaded when the first screen is asked for or offered.

import { make, makeButton } from "./make.mjs";
import { Share } from "./share.mjs";
import { ScreenView } from "./view.mjs";
import { $, ignoreTaps } from "../view/elements.mjs";
import { Words } from "../view/words.mjs";

// What the stages are called, and why they end. Other reasons have sentences of their own.
/** @type {Partial<Record<ShareStage, string>>} */
const STATES = {
  asking: "asking",
  offered: "offered",
  viewed: "sees",
  controlled: "controls",
  paused: "paused",
  lost: "reconnecting",
};
/** @type {Partial<Record<ShareStage, string>>} */
const STOPS = { asking: "withdraw", offered: "notNow" };
/** @type {Record<string, string>} */
const ENDS = {
  "": "endedHere",
  closed: "endedThere",
  declined: "declined",
  timeout: "unanswered",
  too_many: "askedTooOften",
  peer_vanished: "linkLost",
};
/** @type {Record<string, string>} */
const NO_CONTROL = {
  closed: "controlEnded",
  declined: "controlDeclined",
  timeout: "controlUnanswered",
  too_many: "askedTooOften",
};

// These are said while this page controls as well
const WHILE_CONTROLLED = ["monitor_gone", "own_window", "question_open"];

class Screen {
  // Whether the view opens once the screen may be seen
  opens = false;
  isOffered = false;

  /**
   * @param {Words} words
   * @param {() => string} hostName
   */
  constructor(words, hostName) {
    this.words = words;
    this.hostName = hostName;
    this.share = new Share({
      changed: () => this.changed(),
      pictures: (channel) => this.view.show(channel),
      ended: () => this.view.end(),
    });
    this.view = new ScreenView(words, this.share, () => this.leaveView());
    this.askText = $.askScreen.textContent;
    this.text = make("p");
    this.text.setAttribute("role", "status");
    this.look = makeButton(words.tr("look"), () => {
      this.opens = true;
      this.share.look();
      this.changed();
    });
    this.look.classList.add("main");
    this.stop = makeButton(words.tr("stop"), () => this.share.stop());
    const buttons = make("div", { className: "buttons" }, this.look, this.stop);
    this.card = make("section", { id: "screenCard", hidden: true }, this.text, buttons);
    $.questions.after(this.card);
    // Whoever sees the other screen does not see what this page asks.
    new MutationObserver(() => {
      this.view.tools.showQuestions($.questions.children.length);
    }).observe($.questions, { childList: true });
  }

  changed() {
    const { share, view, words } = this;
    const { stage, reason } = share;
    const isOver = stage === "none" || stage === "ended";
    const isOffered = stage === "offered";
    if (isOver) this.opens = false;
    if (isOver || isOffered) view.close();
    else if (share.isSeen && this.opens) {
      this.opens = false;
      view.open();
    }
    if (isOffered && !this.isOffered) ignoreTaps(this.card);
    this.isOffered = isOffered;
    this.card.classList.toggle("question", isOffered);
    this.card.hidden = stage === "none";
    this.text.textContent = isOver ? this.why(ENDS, reason) : this.stateWords();
    this.look.hidden = !isOffered && !share.isSeen;
    this.stop.hidden = isOver;
    this.stop.textContent = words.tr(STOPS[stage] ?? "stop");
    $.askScreen.hidden = !share.link || !isOver;
    $.askScreen.textContent = share.wantsControl ? words.tr("askBoth") : this.askText;
    view.update(this.stateWords());
    // What stands in the way of the picture, or of control
    const isWaiting = stage === "paused" || stage === "lost" || stage === "asking";
    const isSaid = reason && (stage === "viewed" || WHILE_CONTROLLED.includes(reason));
    const note = isSaid ? this.why(NO_CONTROL, reason) : "";
    view.stage.say(isWaiting ? this.stateWords() : note, isWaiting);
  }

  stateWords() {
    const { stage, wantsControl } = this.share;
    const key = stage === "asking" && wantsControl ? "askingBoth" : STATES[stage];
    return key ? this.words.tr(key, { name: this.hostName() }) : "";
  }

  /**
   * @param {Record<string, string>} known
   * @param {string} reason
   */
  why(known, reason) {
    const values = { name: this.hostName() };
    if (Object.hasOwn(known, reason)) return this.words.tr(known[reason], values);
    const { reasons } = this.words;
    return Object.hasOwn(reasons, reason)
      ? this.words.sentence(reason)
      : this.words.tr(known.closed, values);
  }

  /** The person goes back to the page; the screen can be looked at again. */
  leaveView() {
    this.view.close();
    this.changed();
    this.look.focus();
  }

  // --- for link/screens.mjs -----------------------------------------------------------------------

  ask() {
    this.opens = true;
    this.share.ask();
  }

  /** @param {Link} link */
  linkUp(link) {
    this.share.linkUp(link);
    this.changed();
  }

  linkDown() {
    this.share.linkDown();
  }

  /** The session is over, so the link does not come back. */
  end() {
    if (this.share.stage !== "none") this.share.end("peer_vanished");
  }

  /**
   * @param {Message} message
   * @param {Link} link
   */
  message(message, link) {
    if (!this.read(message, link)) link.reject(message);
  }

  /**
   * @param {Message} message
   * @param {Link} link
   */
  read(message, link) {
    switch (message.type) {
      case "screen_state":
        return this.share.state(message);
      case "screen_copied":
        // It may have been asked of an earlier share.
        return message.id !== this.share.id || this.view.control.clipboard.copied(message);
      case "screen_ask":
        this.refuseToShow(link);
        return true;
      default:
        // These belong to what is never shown here.
        return message.type === "screen_view" || message.type === "screen_stop";
    }
  }

  /**
   * A page that came over http gets no picture of its own screen (getDisplayMedia).
   * @param {Link} link
   */
  refuseToShow(link) {
    link.send({ type: "screen_state", view: false, control: false, reason: "page_screen" });
    const { stage } = this.share;
    if (stage !== "none" && stage !== "ended") return;
    this.text.textContent = this.words.tr("cannotShow", { name: this.hostName() });
    this.look.hidden = this.stop.hidden = true;
    this.card.hidden = false;
  }

  /** @param {RTCDataChannel} channel */
  channel(channel) {
    return this.share.channel(channel);
  }
}

/**
 * Load the words and the looks of shared screens, and begin.
 * @param {Words} words of the page
 * @param {() => string} hostName
 */
export async function begin(words, hostName) {
  const style = make("link", { rel: "stylesheet", href: "screen/screen.css" });
  const styled = new Promise((resolve, reject) => {
    style.onload = resolve;
    style.onerror = reject;
  });
  document.head.append(style);
  const [response] = await Promise.all([fetch("screen/texts.json"), styled]);
  const { page } = await response.json();
  return new Screen(new Words({ ...words, page }), hostName);
}
