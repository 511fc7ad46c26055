// The archive of one transfer: what has arrived of it becomes one ZIP file. This module is loaded
// when a person chooses that.

import { cleanName, numbered } from "../sanitize.mjs";
import { zip } from "./zip.mjs";

export { crc32 } from "./zip.mjs";

const SUFFIX = ".zip";
const UNNAMED = "Proxim";
// Disks take names that differ only in these for one (core/files/filenames.py).
const IGNORED = /[\u200c\u200d\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/**
 * Return a key that is equal for two names that some disk takes for the same name.
 * @param {string} name
 */
function folded(name) {
  const plain = name.normalize("NFD").toLowerCase().toUpperCase().replace(IGNORED, "");
  return plain.normalize("NFC");
}

/** One folder of the archive: the names in it, and the folders by their names as announced. */
class Folder {
  /** @type {Set<string>} */
  used = new Set();
  // The next number to try, so that 10,000 equal names do not try 10,000 numbers each
  /** @type {Map<string, number>} */
  next = new Map();
  /** @type {Map<string, Folder>} */
  folders = new Map();

  /** @param {string[]} path */
  constructor(path) {
    this.path = path;
  }

  /** @param {string} part */
  below(part) {
    let found = this.folders.get(part);
    if (!found) {
      found = new Folder([...this.path, this.give(part)]);
      this.folders.set(part, found);
    }
    return found;
  }

  /**
   * Return a name for a part of a path that no other has in this folder. At the top it does not
   * begin with a dot, because nobody would find it.
   * @param {string} part
   */
  give(part) {
    const name = cleanName(part, !this.path.length);
    if (this.claims(name)) return name;
    // Long names that are cut for a number share their numbers, for each width of the number.
    for (let first = 2, end = 10; ; first = end, end *= 10) {
      const key = folded(numbered(name, first));
      for (let number = this.next.get(key) ?? first; number < end; number++) {
        this.next.set(key, number + 1);
        if (this.claims(numbered(name, number))) return numbered(name, number);
      }
    }
  }

  /** @param {string} name */
  claims(name) {
    const key = folded(name);
    return !this.used.has(key) && this.used.add(key);
  }
}

/** @param {string} path */
const partsOf = (path) => {
  const parts = path.split("/").filter(Boolean);
  return parts.length ? parts : [""];
};

export class Archive {
  // What has arrived, by its place in the list
  /** @type {Map<number, ArchivedFile>} */
  files = new Map();

  /** @param {Entry[]} entries */
  constructor(entries) {
    this.entries = entries;
    const root = new Folder([]);
    // The path of each entry in the archive: one part for each of `partsOf` its announced path
    /** @type {string[][]} */
    this.paths = entries.map(({ path, directory }) => {
      const parts = partsOf(path);
      const last = directory ? [] : [parts.pop() ?? ""];
      const folder = parts.reduce((above, part) => above.below(part), root);
      return [...folder.path, ...last.map((part) => folder.give(part))];
    });
  }

  /** Whether nothing has arrived, although something should. */
  get isEmpty() {
    return !this.files.size && this.entries.some(({ directory }) => !directory);
  }

  /** The archive is called like the one folder or file that was sent. */
  get name() {
    const tops = new Set(this.paths.map(([top]) => top));
    const [first] = tops;
    return (tops.size === 1 ? first : UNNAMED) + SUFFIX;
  }

  /** The archive as a file. */
  blob() {
    return zip(this.members());
  }

  /** What has arrived, and all folders. */
  members() {
    const members = [];
    /** @type {Set<string>} */
    const folders = new Set();
    for (const [index, { modified, executable, directory }] of this.entries.entries()) {
      const content = this.files.get(index);
      const name = this.paths[index].join("/");
      // A folder may be announced twice.
      if (directory ? !folders.has(name) : content) {
        members.push({ name, modified, executable, content });
      }
      if (directory) folders.add(name);
    }
    return members;
  }

  /**
   * Return what has another name in the archive: files that have arrived, and folders.
   * @returns {RenamedFile[]}
   */
  renamed() {
    /** @type {Map<string, string>} */
    const found = new Map();
    for (const [index, { path, directory }] of this.entries.entries()) {
      if (!directory && !this.files.has(index)) continue;
      const parts = partsOf(path);
      for (const [at, name] of this.paths[index].entries()) {
        if (parts[at].normalize("NFC") === name) continue;
        found.set(parts.slice(0, at + 1).join("/"), name);
      }
    }
    return Array.from(found, ([path, name]) => ({ path, name }));
  }
}
