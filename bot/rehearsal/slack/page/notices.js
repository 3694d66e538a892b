// Short texts that tell a person what just happened: errors as Slack would show them, and announcements.

import { h, svg } from "./element.js";
import { ICONS } from "./icons.js";

const SHOWN_MS = 12_000;

/** Show a notice inside the dialog that is open, since the rest of the page cannot be reached then. */
export function notices(home) {
  const shown = new Map();
  return function notice(text) {
    if (!text) return;
    drop(text);
    const holder = [...document.querySelectorAll("dialog[open] > .notices")].at(-1) ?? home;
    const node = h("div", { class: "notice", role: "alert", key: `notice-${text}` }, svg(ICONS.warning), h("span", {}, text),
      h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", on: { click: () => drop(text) } }, svg(ICONS.close)));
    holder.append(node);
    shown.set(text, { node, timer: setTimeout(() => drop(text), SHOWN_MS) });
  };
  function drop(text) {
    const { node, timer } = shown.get(text) ?? {};
    clearTimeout(timer);
    node?.remove();
    shown.delete(text);
  }
}

/** Say something to a screen reader without showing it. */
export function announcer(region) {
  return function announce(text) {
    region.append(h("p", {}, text));
    while (region.childElementCount > 5) region.firstElementChild.remove();
  };
}
