// Small layers above the page: menus, lists of suggestions, and dialogs that ask before something is done.

import { h } from "./element.js";

const GAP = 4;

/** Put an open popover below its anchor, or above it where there is more room; never past the window's edge. */
export function placeBeside(popup, anchor, { sameWidth = false } = {}) {
  const box = anchor.getBoundingClientRect();
  const below = innerHeight - box.bottom - GAP * 2;
  const above = box.top - GAP * 2;
  if (sameWidth) popup.style.minWidth = `${box.width}px`;
  const wanted = Math.min(popup.scrollHeight + 2, 320);
  const upward = below < wanted && above > below;
  popup.style.maxHeight = `${Math.max(Math.min(320, upward ? above : below), 96)}px`;
  popup.style.left = `${Math.max(8, Math.min(box.left, innerWidth - popup.offsetWidth - 8))}px`;
  popup.style.top = upward ? "auto" : `${box.bottom + GAP}px`;
  popup.style.bottom = upward ? `${innerHeight - box.top + GAP}px` : "auto";
}

let serial = 0;

export function uniqueId(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}

/** A button that opens a menu; `entries` are [label, choose] or, for a link, [label, choose, address]. */
export function menuButton({ label, content, className, entries, attributes = {} }) {
  const id = uniqueId("menu");
  const items = entries.map(([text, choose]) =>
    h("button", { type: "button", role: "menuitem", tabindex: "-1", class: "menu-item", on: { click: () => close(choose) } }, text));
  const menu = h("div", { id, role: "menu", "aria-label": label, class: "menu", popover: "auto", on: { keydown: move, toggle: toggled } }, items);
  const button = h("button", { ...attributes, type: "button", class: className, "aria-label": label, title: label, "aria-haspopup": "menu",
    "aria-expanded": "false", on: { click: () => (menu.matches(":popover-open") ? menu.hidePopover() : open()), keydown: down } }, content);

  function open() {
    menu.showPopover();
    placeBeside(menu, button);
    items[0]?.focus();
  }
  function close(choose) {
    menu.hidePopover();
    button.focus();
    choose();
  }
  function toggled(event) {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
  }
  function down(event) {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    open();
  }
  function move(event) {
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (event.key === "Escape") button.focus();
    if (to === undefined) return;
    event.preventDefault();
    items[to % items.length].focus();
  }
  return [button, menu];
}

/** Ask with Slack's confirmation dialog; resolves to true or false. Without a `confirm` there is nothing to ask. */
export function confirmed(confirm, drawText) {
  if (!confirm) return Promise.resolve(true);
  const id = uniqueId("confirm");
  return new Promise((resolve) => {
    const answer = (yes) => () => {
      dialog.close();
      dialog.remove();
      resolve(yes);
    };
    const style = confirm.style === "danger" ? "danger" : "primary";
    const dialog = h("dialog", { class: "dialog confirm", role: "alertdialog", "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text`, on: { cancel: answer(false) } },
      h("h2", { id: `${id}-title` }, drawText(confirm.title)),
      h("div", { id: `${id}-text`, class: "dialog-body" }, drawText(confirm.text)),
      h("div", { class: "dialog-foot" },
        h("button", { type: "button", class: "button", on: { click: answer(false) } }, drawText(confirm.deny ?? { type: "plain_text", text: "Cancel" })),
        h("button", { type: "button", class: `button filled ${style}`, on: { click: answer(true) } }, drawText(confirm.confirm ?? { type: "plain_text", text: "Yes" }))));
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector(".filled").focus();
  });
}
