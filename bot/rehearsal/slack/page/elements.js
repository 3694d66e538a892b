// Elements that a person presses: buttons, overflow menus and their newer relatives.

import { h, svg } from "./element.js";
import { field } from "./fields.js";
import { ICONS } from "./icons.js";
import { followable, picture } from "./links.js";
import { menuButton } from "./popup.js";

/** Draws any element; `names` labels it when it is a field. What is not known is said, never left out. */
export function interactive(element, block, surface, ctx, names) {
  const draw = PRESSED[element.type];
  if (draw) return isFor(element, ctx) ? draw(element, block, surface, ctx) : null;
  return field(element, block, surface, ctx, names ?? { "aria-label": element.placeholder?.text ?? "Choose" }) ?? ctx.unsupported(element.type);
}

function isFor({ visible_to_user_ids: ids }, ctx) {
  return !ids || ids.includes(ctx.me);
}

const PRESSED = {
  button,
  workflow_button: button,
  overflow,
  icon_button: (element, block, surface, ctx) => button({ ...element, style: "quiet" }, block, surface, ctx),
  feedback_buttons: feedback,
  image: (element) => picture(element.image_url ?? element.slack_file?.url, element.alt_text, "thumb"),
};

function button(element, block, surface, ctx) {
  const { text, style, url, value, action_id: id, accessibility_label: label } = element;
  const press = () => ctx.press(surface, block, element, value === undefined ? {} : { value });
  const attributes = { key: id, class: ["button", style].filter(Boolean).join(" "), "aria-label": label, "data-action": id };
  if (url && followable(url)) {
    return h("a", { ...attributes, href: url, target: "_blank", rel: "noopener noreferrer", on: { click: press } }, ctx.text(text));
  }
  // Stays in the tab order while it waits, so that the focus of the one who pressed it is not lost.
  const waiting = ctx.isWaiting(surface, block, element);
  return h("button", { ...attributes, type: "button", "aria-busy": waiting ? "true" : null, on: { click: () => waiting || press() } }, ctx.text(text));
}

function overflow(element, block, surface, ctx) {
  const choose = (option) => () => {
    if (option.url && followable(option.url)) window.open(option.url, "_blank", "noopener,noreferrer");
    ctx.press(surface, block, element, { selected_option: option });
  };
  const entries = (element.options ?? []).map((option) => [ctx.text(option.text), choose(option)]);
  const parts = menuButton({ label: "More actions", content: svg(ICONS.more), className: "button overflow", entries, attributes: { "data-action": element.action_id } });
  const opaque = JSON.stringify([surface.key, block.block_id, element]);
  return h("span", { class: "overflow-menu", key: element.action_id, opaque }, parts);
}

function feedback(element, block, surface, ctx) {
  const one = (face, choice) =>
    h("button", { type: "button", class: "button quiet", "aria-label": choice.accessibility_label ?? null,
      on: { click: () => ctx.press(surface, block, element, { value: choice.value }) } }, face, " ", ctx.text(choice.text));
  return h("span", { class: "row", key: element.action_id }, one("↑", element.positive_button), one("↓", element.negative_button));
}
