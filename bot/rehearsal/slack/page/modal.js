// The top view of the stack of modals, in one dialog that stays while its content changes.

import { blocks } from "./blocks.js";
import { h, patchChildren, svg } from "./element.js";
import { ICONS } from "./icons.js";

/** Show the top view, or close the dialog when the stack is empty. Focus moves only when another view comes up. */
export function drawModal(dialog, views, surfaces, ctx) {
  const view = views.at(-1);
  const frame = dialog.querySelector(".modal-frame");
  if (!view) {
    if (dialog.open) dialog.close();
    frame.replaceChildren();
    delete dialog.dataset.view;
    return;
  }
  const surface = surfaces.view(view, "modal");
  const hadErrors = Object.keys(surface.errors).length > 0;
  const isNew = dialog.dataset.view !== view.id;
  const held = dialog.contains(document.activeElement);
  dialog.dataset.view = view.id;
  dialog.oncancel = (event) => {
    event.preventDefault();
    ctx.close(surface);
  };
  patchChildren(frame, [form(view, surface, views.length, ctx)]);
  mark(dialog, surface);
  if (!dialog.open) dialog.showModal();
  if (isNew) focusFirst(dialog);
  else if (hadErrors && surface.toldOf !== surface.errors) focusInvalid(dialog);
  else if (held && !dialog.contains(document.activeElement)) focusFirst(dialog);
  surface.toldOf = surface.errors;
}

function form(view, surface, depth, ctx) {
  const { title, submit, close, blocks: list } = view;
  const send = (event) => {
    event.preventDefault();
    if (submit) ctx.submit(surface);
  };
  return h("form", { key: view.id, class: "modal", novalidate: true, on: { submit: send, keydown: quickSubmit } },
    h("header", { class: "dialog-head" },
      h("h2", { id: "modal-title" }, ctx.text(title)),
      depth > 1 && h("span", { class: "muted" }, `${depth} of 3`),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close all", on: { click: () => ctx.close(surface, true) } }, svg(ICONS.close))),
    h("div", { class: "dialog-body blocks", key: "body" }, blocks(list, surface, ctx)),
    h("footer", { class: "dialog-foot", key: "foot" },
      h("button", { type: "button", class: "button", "data-close": true, on: { click: () => ctx.close(surface) } }, close ? ctx.text(close) : depth > 1 ? "Back" : "Close"),
      (submit || list?.some((block) => block.type === "input")) &&
        h("button", { type: "submit", class: "button filled primary", "aria-busy": surface.sending ? "true" : null }, submit ? ctx.text(submit) : "Submit")));
}

function quickSubmit(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) event.currentTarget.requestSubmit();
}

// Set here for all kinds of field alike, on whatever control a screen reader stops at.
function mark(dialog, surface) {
  for (const block of dialog.querySelectorAll("[data-block]")) {
    const invalid = Boolean(surface.errors[block.dataset.block]);
    for (const control of controlsOf(block)) {
      if (invalid) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
  }
}

const controlsOf = (node) => node.querySelectorAll(".input input:not(.box input), .input textarea, .input .boxes");

function focusInvalid(dialog) {
  const [control] = dialog.querySelectorAll("[aria-invalid]");
  (control?.matches(".boxes") ? control.querySelector("input") : control)?.focus();
}

function focusFirst(dialog) {
  const wanted = dialog.querySelector("[data-autofocus]") ?? dialog.querySelector(".dialog-body :is(input, textarea, button, a[href])");
  (wanted ?? dialog.querySelector(".dialog-foot .filled") ?? dialog.querySelector("[data-close]"))?.focus();
}
