// Where a person writes: messages, and slash commands with their hints.

import { h, svg } from "./element.js";
import { ICONS } from "./icons.js";
import { uniqueId } from "./popup.js";
import { composed } from "./values.js";

const MAX_HEIGHT = 220;

/**
 * The composer of one channel; it lives as long as the channel is shown. `drafts` keeps what was typed in others.
 * `send(text)` and `command(text)` promise whether it arrived.
 */
export function composer({ key, title, drafts, commands, send, command }, ctx) {
  const listId = uniqueId("commands");
  const list = h("div", { id: listId, class: "menu suggestions", role: "listbox", "aria-label": "Commands", hidden: true });
  const hint = h("p", { class: "composer-hint", id: `${listId}-hint` });
  const area = h("textarea", { rows: "1", value: drafts.get(key) ?? "", placeholder: `Message ${title}`, "aria-label": `Message ${title}`, "aria-autocomplete": "list",
    "aria-controls": listId, "aria-describedby": `${listId}-hint`, on: { input: typed, keydown, blur: () => setTimeout(hide, 150) } });
  const button = h("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send", disabled: !area.value.trim() }, svg(ICONS.send));
  let shown = [];
  let active = 0;
  requestAnimationFrame(grow);

  function typed() {
    drafts.set(key, area.value);
    button.disabled = !area.value.trim();
    grow();
    suggest();
  }
  function grow() {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, MAX_HEIGHT)}px`;
  }
  function suggest() {
    const text = area.value;
    const known = commands().find((each) => text.startsWith(`${each.command} `));
    hint.textContent = known ? [`${known.command} ${known.usage_hint ?? ""}`.trim(), known.description].filter(Boolean).join("  ·  ") : "";
    const matches = /^\/\S*$/.test(text) ? commands().filter((each) => each.command.startsWith(text)) : [];
    if (!matches.length) return hide();
    shown = matches.map((each) => ({ each, node: suggestion(each) }));
    list.replaceChildren(...shown.map(({ node }) => node));
    list.hidden = false;
    return highlight(0);
  }
  function suggestion(each) {
    return h("div", { id: uniqueId("command"), role: "option", class: "menu-item", on: { pointerdown: (event) => event.preventDefault(), click: () => complete(each) } },
      h("span", {}, h("strong", {}, each.command), " ", h("span", { class: "menu-hint" }, each.usage_hint)), h("span", { class: "menu-note" }, each.description));
  }
  function highlight(to) {
    active = (to + shown.length) % shown.length;
    shown.forEach(({ node }, at) => {
      node.classList.toggle("active", at === active);
      node.setAttribute("aria-selected", String(at === active));
    });
    area.setAttribute("aria-activedescendant", shown[active].node.id);
  }
  function hide() {
    shown = [];
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }
  function complete(each) {
    write(`${each.command} `);
    area.focus();
  }
  function write(text) {
    area.value = text;
    typed();
  }
  function keydown(event) {
    // While a Korean or Japanese syllable is being composed, Enter belongs to the input method.
    if (event.isComposing) return;
    const choosing = shown.length > 0;
    if (choosing && (event.key === "ArrowDown" || event.key === "ArrowUp")) highlight(active + (event.key === "ArrowDown" ? 1 : -1));
    else if (choosing && (event.key === "Tab" || (event.key === "Enter" && area.value !== shown[active].each.command))) complete(shown[active].each);
    else if (choosing && event.key === "Escape") hide();
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  }
  async function submit(event) {
    event?.preventDefault();
    const text = area.value.trim();
    if (!text) return;
    hide();
    write("");
    const arrived = text.startsWith("/") ? await command(text) : await send(composed(text, ctx.users(), ctx.channels()));
    if (!arrived && !area.value) write(text);
  }
  return h("form", { key, opaque: key, class: "composer", on: { submit } }, list, h("div", { class: "composer-box" }, area, button), hint);
}
