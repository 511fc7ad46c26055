// Makes elements. Text is only ever set as text.

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Partial<HTMLElementTagNameMap[T]>} [properties]
 * @param {...(Node | string)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/**
 * Make a button that leaves the focus where it is, and with it a phone's keyboard.
 * @param {string} text
 * @param {() => void} [onclick]
 */
export function makeButton(text, onclick) {
  const button = make("button", { textContent: text, type: "button" });
  if (onclick) button.onclick = onclick;
  button.onmousedown = (event) => event.preventDefault();
  return button;
}
