// Where received bytes are until they are whole, and how they get into the phone's downloads.
// Must never be here: whether they are right (incoming.mjs).
//
// An http page on a LAN address has neither the File System Access API, nor the origin's private file system, nor
// StreamSaver's service worker: all need a secure context (WHATWG File System, 3; Service Workers, 1). It has Blobs, and
// those need not be in memory: Chromium's are kept by the browser process, which writes them to its disk when they grow
// (chromium/src/storage/browser/blob/README.md: limits by memory and by disk), and a Blob made of Blobs refers to their
// data instead of copying it (also Firefox: dom/file/MultipartBlobImpl). So each piece becomes a Blob as soon as it is worth one.

const PIECE_BYTES = 4 * 1024 * 1024;
const UNNAMED = "file";

/** A file that is still coming. */
export class Growing {
  /** `kept(number, blob)` is told of each piece; `blobs` are those from before the page was loaded again. */
  constructor(kept = () => undefined, blobs = []) {
    this.kept = kept;
    this.blobs = blobs;
    this.parts = [];
    this.held = 0;
  }

  append(bytes) {
    this.parts.push(bytes);
    this.held += bytes.length;
    if (this.held >= PIECE_BYTES) this.put();
  }

  put() {
    this.blobs.push(new Blob(this.parts));
    this.parts = [];
    this.held = 0;
    this.kept(this.blobs.length - 1, this.blobs.at(-1));
  }

  /** Whole and verified; `path` is as the other side named it. */
  finish(path) {
    const blobs = [...this.blobs, ...this.parts];
    // octet-stream: a browser saves it, and never shows or runs it as part of our page.
    const blob = new Blob(blobs, { type: "application/octet-stream" });
    this.discard();
    return { name: leafName(path), url: URL.createObjectURL(blob), size: blob.size };
  }

  discard() {
    this.blobs = [];
    this.parts = [];
    this.held = 0;
  }
}

/** A name fit to show and to save: the leaf, nothing invisible, nothing that a file system reads otherwise. */
export function leafName(path) {
  const leaf = path.split(/[/\\]/).filter(Boolean).pop() ?? "";
  return shown(leaf).replace(/[<>:"|?*]/g, "_").replace(/^\.+/, "").replace(/[. ]+$/, "") || UNNAMED;
}

/** Without control, format and bidirectional characters: those could make a name look like another. */
export function shown(text, most = 120) {
  const clean = text.normalize("NFC").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, "").trim();
  const characters = Array.from(clean);
  return characters.length <= most ? clean : `${characters.slice(0, most - 17).join("")}…${characters.slice(-16).join("")}`;
}

/**
 * Hand it to the browser's downloads. Where a script's click does nothing (Firefox on iOS: mozilla-mobile/firefox-ios#8635)
 * or only the first of several counts, the link in the list is there for the person's finger (as saljam/webwormhole#30).
 */
export function save({ name, url }) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}
