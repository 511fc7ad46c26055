// How the page's elements are found and filled. What index.html lacks is a mistake of ours.

// A tap in the first milliseconds of something may be meant for what was there before.
const DEAD_MS = 800;

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 */
export function within(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 */
const byID = (id, kind) => within(document, `#${id}`, kind);

/** The elements of index.html that scripts use, under their ids. */
export const $ = {
  main: byID("main", HTMLElement),
  badge: byID("badge", HTMLElement),
  steps: byID("steps", HTMLElement),
  status: byID("status", HTMLElement),
  problem: byID("problem", HTMLElement),
  again: byID("again", HTMLButtonElement),
  copyLink: byID("copyLink", HTMLButtonElement),
  link: byID("link", HTMLElement),
  linked: byID("linked", HTMLElement),
  questions: byID("questions", HTMLElement),
  files: byID("files", HTMLInputElement),
  camera: byID("camera", HTMLInputElement),
  folder: byID("folder", HTMLInputElement),
  askScreen: byID("askScreen", HTMLButtonElement),
  filesOnly: byID("filesOnly", HTMLElement),
  emptyFolders: byID("emptyFolders", HTMLElement),
  say: byID("say", HTMLFormElement),
  text: byID("text", HTMLTextAreaElement),
  transfers: byID("transfers", HTMLElement),
  texts: byID("texts", HTMLElement),
  rename: byID("rename", HTMLFormElement),
  name: byID("name", HTMLInputElement),
  renamed: byID("renamed", HTMLElement),
  leave: byID("leave", HTMLButtonElement),
};

/**
 * Return a copy of what is in a template, with the texts of this language.
 * @param {string} templateID
 * @param {Record<string, string>} texts
 */
export function copyOf(templateID, texts) {
  const template = byID(templateID, HTMLTemplateElement);
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  fill(copy, texts);
  return within(copy, "*", HTMLElement);
}

/**
 * Give each element that names a text by `data-t` that text.
 * @param {ParentNode} root
 * @param {Record<string, string>} texts
 */
export function fill(root, texts) {
  for (const element of root.querySelectorAll("[data-t]")) {
    const key = element.getAttribute("data-t") ?? "";
    element.textContent = texts[key];
  }
}

/**
 * Show a text, or hide its element if there is none.
 * @param {HTMLElement} element
 * @param {string} [text]
 */
export function showText(element, text = "") {
  element.textContent = text;
  element.hidden = !text;
}

/**
 * Show a button, or hide it. A tap right after it appears may be meant for what was there before.
 * @param {HTMLElement} element
 * @param {boolean} isShown
 */
export function reveal(element, isShown) {
  if (isShown && element.hidden) ignoreTaps(element);
  element.hidden = !isShown;
}

/**
 * Ignore what is tapped in an element that has just appeared, and then call `ready`.
 * @param {HTMLElement} element
 * @param {() => void} [ready]
 */
export function ignoreTaps(element, ready) {
  element.inert = true;
  setTimeout(() => {
    element.inert = false;
    ready?.();
  }, DEAD_MS);
}

/**
 * Put an item at the top of a list, whose section is hidden while the list is empty.
 * @param {HTMLElement} list
 * @param {HTMLElement} item
 */
export function addFirst(list, item) {
  list.prepend(item);
  const section = list.closest("section");
  if (section) section.hidden = false;
}
