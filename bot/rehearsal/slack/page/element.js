// Building and patching DOM nodes. Text always becomes a text node: nothing that others wrote is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "indeterminate"]);
// A person opens and closes these; drawing them again must not undo it.
const OWNED_BY_THE_PERSON = { DETAILS: new Set(["open"]), DIALOG: new Set(["open"]) };

/**
 * A new element. `key` names it among its siblings; `on` holds event handlers; `opaque` is a text that says what a
 * widget with a life of its own was made from: while it stays the same, patching leaves the widget alone.
 */
export function h(tag, attributes = {}, ...children) {
  const { key, on, opaque, ...rest } = attributes;
  const node = document.createElement(tag);
  if (key !== undefined) node.key = String(key);
  if (opaque !== undefined) node.opaque = opaque;
  // Children first: a <select> can only take its value once its options are there.
  append(node, children);
  for (const [name, value] of Object.entries(rest)) set(node, name, value);
  if (on) listen(node, on);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** A monochrome icon from one path in a 20 × 20 box; decorative, the text beside it says the same. */
export function svg(path, className = "icon") {
  const node = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 20 20", class: className, "aria-hidden": "true", focusable: "false" };
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  node.append(shape);
  return node;
}

function set(node, name, value) {
  if (PROPERTIES.has(name)) node[name] = value ?? (name === "value" ? "" : false);
  else if (value === true) node.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
}

// One listener for each type of event looks the handler up, so that patching can exchange handlers.
function listen(node, handlers) {
  for (const type of Object.keys(handlers)) {
    if (!node.handlers || !(type in node.handlers)) node.addEventListener(type, dispatch);
  }
  node.handlers = { ...handlers };
}

function dispatch(event) {
  return event.currentTarget.handlers[event.type]?.(event);
}

/** Make `old` look like `fresh` with the fewest changes; returns the node that is now in the document. */
export function patch(old, fresh) {
  if (!alike(old, fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return old;
  }
  if (old.opaque !== undefined) return old;
  patchAttributes(old, fresh);
  patchChildren(old, [...fresh.childNodes]);
  patchProperties(old, fresh);
  if (fresh.handlers) listen(old, fresh.handlers);
  return old;
}

/** Make the children of `parent` look like `fresh`; children with the same key keep their node, focus and typed text. */
export function patchChildren(parent, fresh) {
  const wanted = new Set(fresh.map((node) => node.key).filter((key) => key !== undefined));
  const keyed = new Map();
  for (const child of [...parent.childNodes]) {
    if (child.key === undefined) continue;
    if (wanted.has(child.key)) keyed.set(child.key, child);
    else child.remove();
  }
  let cursor = parent.firstChild;
  for (const node of fresh) {
    const match = node.key !== undefined ? keyed.get(node.key) : unkeyed(cursor, node);
    if (!match) {
      parent.insertBefore(node, cursor);
      continue;
    }
    if (match !== cursor) parent.insertBefore(match, cursor);
    cursor = patch(match, node).nextSibling;
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

function unkeyed(cursor, node) {
  return cursor && cursor.key === undefined && alike(cursor, node) ? cursor : null;
}

function alike(old, fresh) {
  return old.nodeName === fresh.nodeName && old.key === fresh.key && old.opaque === fresh.opaque;
}

function patchAttributes(old, fresh) {
  const kept = OWNED_BY_THE_PERSON[old.nodeName] ?? new Set();
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (!kept.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function patchProperties(old, fresh) {
  for (const name of PROPERTIES) {
    if (name in fresh && old[name] !== fresh[name] && old.nodeName !== "BUTTON" && old.nodeName !== "LI") old[name] = fresh[name];
  }
  if (old.nodeName === "BUTTON" && old.disabled !== fresh.disabled) old.disabled = fresh.disabled;
}
