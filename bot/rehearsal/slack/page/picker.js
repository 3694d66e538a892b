// A searchable select for one or several choices, after the ARIA pattern of a combobox with a list.

import { h, svg } from "./element.js";
import { ICONS } from "./icons.js";
import { placeBeside, uniqueId } from "./popup.js";

const TYPING_PAUSE_MS = 200;

/**
 * `search(text)` promises groups `[{label?, choices: [{value, text, description?}]}]`. `selected()` gives the choices
 * that hold now; `choose(choices)` reports new ones and promises whether they were taken.
 */
export function picker({ id, opaque, labels, placeholder, multiple, most = Infinity, clearable, search, selected, choose, least = 0 }) {
  const listId = uniqueId("list");
  const chips = h("span", { class: "chips" });
  const input = h("input", { ...labels, id, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder,
    "aria-autocomplete": "list", "aria-controls": listId, "aria-expanded": "false",
    on: { click: open, input: typed, keydown, blur: leave, focus: () => input.select() } });
  const list = h("div", { id: listId, role: "listbox", class: "menu", popover: "manual", "aria-label": "Options", "aria-multiselectable": String(multiple) });
  const root = h("div", { class: multiple ? "picker multiple" : "picker", key: id, opaque, on: { click: (event) => event.target === root && input.focus() } },
    chips, input, svg(ICONS.chevron, "icon picker-arrow"), list);
  let shown = [];
  let active = -1;
  let asked = 0;
  let timer;
  show();

  function show() {
    const now = selected();
    if (!multiple) input.value = now[0]?.text ?? "";
    else {
      chips.replaceChildren(...now.map(chip));
      input.placeholder = now.length ? "" : placeholder;
    }
  }
  function chip(choice) {
    const drop = () => take(selected().filter(({ value }) => value !== choice.value)).then(() => input.focus());
    return h("span", { class: "chip" }, choice.text, h("button", { type: "button", "aria-label": `Remove ${choice.text}`, on: { click: drop } }, "×"));
  }
  function open() {
    if (isOpen()) return;
    look("");
  }
  function isOpen() {
    return list.matches(":popover-open");
  }
  async function look(text) {
    asked += 1;
    const turn = asked;
    if (text.length < least) return draw([], `Type at least ${least} character${least > 1 ? "s" : ""} to search`);
    draw([], "Looking…");
    const groups = await search(text).catch(() => []);
    if (turn === asked && root.isConnected && document.activeElement === input) draw(groups, "No results");
    return undefined;
  }
  function draw(groups, whenEmpty) {
    const chosen = new Set(selected().map(({ value }) => value));
    shown = [];
    const nodes = groups.flatMap(({ label, choices }) => {
      const options = choices.map((choice) => option(choice, chosen.has(choice.value)));
      return label ? [h("div", { role: "group", "aria-label": label }, h("div", { class: "menu-group", "aria-hidden": "true" }, label), options)] : options;
    });
    list.replaceChildren(...(shown.length ? nodes : [h("div", { class: "menu-empty", role: "presentation" }, whenEmpty)]));
    if (!isOpen()) list.showPopover();
    placeBeside(list, root, { sameWidth: true });
    input.setAttribute("aria-expanded", "true");
    const current = shown.findIndex(({ choice }) => chosen.has(choice.value));
    highlight(shown.length && !multiple && current >= 0 ? current : shown.length ? 0 : -1);
  }
  function option(choice, isChosen) {
    const node = h("div", { id: uniqueId("option"), role: "option", class: "menu-item", "aria-selected": String(isChosen),
      on: { pointerdown: (event) => event.preventDefault(), click: () => pick(choice) } },
      h("span", {}, choice.text), choice.description && h("span", { class: "menu-note" }, choice.description));
    shown.push({ choice, node });
    return node;
  }
  function highlight(to) {
    shown[active]?.node.classList.remove("active");
    active = to;
    const node = shown[active]?.node;
    node?.classList.add("active");
    node?.scrollIntoView({ block: "nearest" });
    if (node) input.setAttribute("aria-activedescendant", node.id);
    else input.removeAttribute("aria-activedescendant");
  }
  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => look(input.value), TYPING_PAUSE_MS);
  }
  function keydown(event) {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "Escape" && isOpen()) close(event);
    else if (key === "Enter" && isOpen()) {
      event.preventDefault();
      if (shown[active]) pick(shown[active].choice);
    } else if (key === "Enter") event.preventDefault();
    else if (key === "ArrowDown" || key === "ArrowUp") step(event, key === "ArrowDown" ? 1 : -1);
    else if (key === "Backspace" && multiple && !input.value && selected().length) take(selected().slice(0, -1));
  }
  function step(event, by) {
    event.preventDefault();
    if (!isOpen()) open();
    else if (shown.length) highlight((active + by + shown.length) % shown.length);
  }
  function close(event) {
    event?.preventDefault();
    event?.stopPropagation();
    clearTimeout(timer);
    asked += 1;
    if (isOpen()) list.hidePopover();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function leave() {
    close();
    if (clearable && !multiple && !input.value && selected().length) take([]);
    else if (multiple) input.value = "";
    else show();
  }
  async function pick(choice) {
    const now = selected();
    const held = now.some(({ value }) => value === choice.value);
    close();
    if (!multiple) return take([choice]);
    input.value = "";
    return take(held ? now.filter(({ value }) => value !== choice.value) : [...now, choice].slice(0, most));
  }
  async function take(choices) {
    await choose(choices);
    show();
  }
  return root;
}
