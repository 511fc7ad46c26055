// What a person sees of transfers: a question for each that they are asked about, and a row for
// each other. Files that have arrived are passed to the browser from here.

import { shortened, shown } from "../sanitize.mjs";
import { $, addFirst, copyOf, ignoreTaps, showText, within } from "./elements.mjs";
import { Incoming } from "../files/incoming.mjs";
import { Outgoing } from "../files/outgoing.mjs";

// The keys of the page's texts
/** @type {Partial<Record<TransferState, string>>} */
const PROGRESS = { announced: "waitingAccept", ready: "ready", waiting: "paused" };
// A question lists this many names.
const MAX_NAMES = 200;
// Chromium drops downloads that are more than 10 a second.
const SAVE_MS = 150;

export class TransfersView {
  /** @type {Map<Transfer, { element: HTMLElement, isQuestion: boolean }>} */
  shownAs = new Map();
  // Files are passed to the browser one after the other.
  /** @type {Promise<void>} */
  saved = Promise.resolve();

  /** @param {Words} words */
  constructor(words) {
    this.words = words;
  }

  /**
   * @param {Transfer} transfer
   * @param {string} hostName
   */
  show(transfer, hostName) {
    // Nothing can be said before its list is complete.
    if (transfer.state === "arriving" || !transfer.entries.length) return;
    const isQuestion = transfer.state === "asked";
    const before = this.shownAs.get(transfer);
    let element = before?.element;
    if (!element || before?.isQuestion !== isQuestion) {
      const hadFocus = element?.contains(document.activeElement);
      element?.remove();
      element =
        isQuestion && transfer instanceof Incoming
          ? this.addQuestion(transfer, hostName, hadFocus)
          : this.addRow(transfer);
      this.shownAs.set(transfer, { element, isQuestion });
      for (const [one, { element: row }] of this.shownAs) {
        if (one.owner.all.has(one.id)) continue;
        row.remove();
        // The browser may now free the files.
        for (const link of row.querySelectorAll("a")) URL.revokeObjectURL(link.href);
        this.shownAs.delete(one);
      }
      // Otherwise the keyboard would be at the top of the page again. A question takes it later.
      if (hadFocus) element.focus();
    }
    if (!isQuestion) this.updateRow(element, transfer);
  }

  /**
   * A file's name or path as people read it; the file keeps its own. Each part is looked at by
   * itself, so that no mark is drawn onto the slash before it.
   * @param {string} path
   */
  named(path) {
    const parts = path.split("/").map((part) => shown(part) || this.words.tr("unnamedFile"));
    return shortened(parts.join("/"));
  }

  /**
   * Say that a file has another name.
   * @param {RenamedFile} renamed
   * @param {boolean} outgoing
   */
  renamedNote({ path, name }, outgoing) {
    const names = { path: this.named(path), name: this.named(name) };
    // Long names are cut, and what cannot be seen may be all that has changed.
    const isSeen = this.named(path.split("/").pop() ?? "") !== names.name;
    // The page knows what it asks the browser to save, not whether it does.
    if (outgoing) return this.words.tr(isSeen ? "savedAs" : "savedUnseen", names);
    return this.words.tr(isSeen ? "renamedTo" : "renamedUnseen", names);
  }

  /**
   * @param {Incoming} transfer
   * @param {string} hostName
   * @param {boolean} [getsFocus]
   */
  addQuestion(transfer, hostName, getsFocus) {
    const { entries, size } = transfer;
    const section = copyOf("question", this.words.page);
    const hasFiles = entries.some(({ directory }) => !directory);
    within(section, "p", HTMLElement).textContent = this.words.tr(
      hasFiles ? "wants" : "wantsEmpty",
      {
        name: hostName,
        count: this.words.count(entries),
        size: this.words.size(size),
      },
    );
    const names = entries.slice(0, MAX_NAMES).map((entry) => {
      const name = this.named(entry.path);
      return entry.directory ? `${name}/` : `${name} · ${this.words.size(entry.size)}`;
    });
    const unnamed = entries.length - names.length;
    if (unnamed) names.push(this.words.tr("moreFiles", { count: unnamed }));
    names.push(...this.notes(transfer));
    const list = within(section, "ul", HTMLElement);
    for (const name of names) list.append(listItem(name));
    const accept = within(section, "button.main", HTMLButtonElement);
    const each = within(section, "button.each", HTMLButtonElement);
    // Browsers block several downloads at once, or save some of them only.
    each.hidden = !transfer.isSeveral;
    if (transfer.isSeveral) accept.textContent = this.words.tr("acceptZip");
    accept.onclick = async () => {
      const isDone = await transfer.accept(transfer.isSeveral);
      showText($.problem, isDone ? "" : this.words.tr("loadFailed"));
    };
    each.onclick = () => transfer.accept();
    within(section, "button.no", HTMLButtonElement).onclick = () => transfer.decline();
    // What ignores taps takes no focus either.
    ignoreTaps(section, () => getsFocus && section.focus());
    $.questions.append(section);
    return section;
  }

  /** @param {Transfer} transfer */
  addRow(transfer) {
    const { entries, outgoing } = transfer;
    const row = copyOf("transfer", this.words.page);
    const first = this.named(entries[0]?.path.split("/")[0] ?? "");
    const count = entries.length > 1 ? ` (${this.words.count(entries)})` : "";
    const title = `${outgoing ? "↑" : "↓"} ${first}${count}`;
    within(row, "b", HTMLElement).textContent = title;
    within(row, "progress", HTMLProgressElement).setAttribute("aria-label", title);
    within(row, "button", HTMLButtonElement).onclick = () => transfer.cancel();
    addFirst($.transfers, row);
    return row;
  }

  /**
   * @param {HTMLElement} row
   * @param {Transfer} transfer
   */
  updateRow(row, transfer) {
    const bar = within(row, "progress", HTMLProgressElement);
    bar.max = transfer.size || 1;
    bar.value = transfer.moved;
    bar.hidden = transfer.over;
    const cancel = within(row, "button", HTMLButtonElement);
    const hadFocus = cancel === document.activeElement;
    cancel.hidden = transfer.over;
    if (hadFocus && transfer.over) row.focus();
    const words = within(row, "p", HTMLElement);
    // A screen reader reads out how the transfer ended.
    words.setAttribute("aria-live", transfer.over ? "polite" : "off");
    const text = this.describe(transfer);
    if (words.textContent !== text) words.textContent = text;
    const notes = within(row, "ul.notes", HTMLElement);
    if (transfer.over && !notes.hasChildNodes()) {
      for (const note of this.notes(transfer)) notes.append(listItem(note));
    }
    const list = within(row, "ul", HTMLElement);
    for (const file of transfer.saved.slice(list.children.length)) {
      const { name } = file;
      const link = document.createElement("a");
      link.className = "button";
      link.download = name;
      link.textContent = this.words.tr("save", { name: this.named(name) });
      list.append(listItem(link));
      this.save(link, file);
    }
  }

  /**
   * What is not as it was sent: files with other names, and what was left out.
   * @param {Transfer} transfer
   */
  notes(transfer) {
    const { renamed, leftOut, outgoing } = transfer;
    const notes = renamed.map((one) => this.renamedNote(one, outgoing));
    if (transfer instanceof Incoming && transfer.packedAs && transfer.state !== "done") {
      notes.unshift(this.words.tr("packedPart", { name: this.named(transfer.packedAs) }));
    }
    for (const { path, reason } of leftOut) {
      const name = this.named(path);
      const isFile = reason !== "not_a_file";
      const why = isFile && this.words.ofFiles(reason, outgoing);
      notes.push(why ? `${name}: ${why}` : this.words.tr("leftOut", { path: name }));
    }
    const more = notes.length - MAX_NAMES;
    if (more > 0) notes.splice(MAX_NAMES, more, this.words.tr("moreFiles", { count: more }));
    return notes;
  }

  /**
   * Pass a file to the browser when its turn comes. If the click has no effect
   * (mozilla-mobile/firefox-ios#8635), the person taps the link.
   * @param {HTMLAnchorElement} link
   * @param {ArrivedFile} file
   */
  save(link, { blob, done }) {
    this.saved = this.saved.then(async () => {
      link.href = URL.createObjectURL(blob);
      link.click();
      await new Promise((resolve) => setTimeout(resolve, SAVE_MS));
      done();
    });
  }

  /** @param {Transfer} transfer */
  describe(transfer) {
    const { state, reason, outgoing } = transfer;
    if (state === "done") return this.words.tr(outgoing ? "arrived" : "allSaved");
    if (transfer.over) return this.words.ofFiles(reason, outgoing);
    return this.describeProgress(transfer);
  }

  /** @param {Transfer} transfer */
  describeProgress(transfer) {
    const { state, size, moved, speed, unsaved } = transfer;
    // Of files that failed, not all bytes have moved.
    const isHere = moved === size || (transfer instanceof Incoming && transfer.isHere);
    if (unsaved && isHere) return this.words.tr("saving", { count: unsaved });
    const lacksFiles = transfer instanceof Outgoing && !transfer.files;
    const key = lacksFiles ? "chooseAgain" : PROGRESS[state];
    const parts = [
      this.words.tr("progress", { moved: this.words.size(moved), size: this.words.size(size) }),
    ];
    if (key) parts.unshift(this.words.tr(key));
    if (state === "active" && speed > 0) {
      const time = this.words.time((size - moved) / speed);
      parts.push(`${this.words.size(speed)}/s`, this.words.tr("left", { time }));
    }
    return parts.join(" · ");
  }
}

/** @param {string | Node} content */
function listItem(content) {
  const item = document.createElement("li");
  item.append(content);
  return item;
}
