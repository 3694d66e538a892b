// Every element that a person fills in, by its type in Block Kit.

import { h } from "./element.js";
import { picker } from "./picker.js";
import { richTextOf, textOfRich } from "./values.js";

/** Draws a field, or gives null when the element is not one. `names` holds aria-labelledby or aria-label and the like. */
export function field(element, block, surface, ctx, names = {}) {
  const draw = FIELDS[element.type];
  if (!draw) return null;
  const id = idOf(surface, block, element);
  return draw({ element, block, surface, ctx, id, names, value: surface.values.get(block.block_id, element) });
}

export function idOf(surface, block, element) {
  return `field-${surface.key}-${block.block_id}-${element.action_id}`.replace(/[^\w-]/g, "_");
}

const FIELDS = {
  plain_text_input: (at) => (at.element.multiline ? area(at) : line(at, { type: "text" })),
  email_text_input: (at) => line(at, { type: "email", inputmode: "email" }),
  url_text_input: (at) => line(at, { type: "url", inputmode: "url" }),
  number_input: (at) => line(at, { type: "text", inputmode: at.element.is_decimal_allowed ? "decimal" : "numeric" }),
  rich_text_input: (at) => area({ ...at, value: textOfRich(at.value) }, richTextOf),
  datepicker: (at) => moment(at, "date"),
  timepicker: (at) => moment(at, "time"),
  datetimepicker: (at) => moment({ ...at, value: localOf(at.value) }, "datetime-local", (text) => (text ? Math.floor(new Date(text) / 1000) : null)),
  radio_buttons: (at) => boxes(at, "radio"),
  checkboxes: (at) => boxes(at, "checkbox"),
  static_select: (at) => select(at, given(at), optionShape),
  multi_static_select: (at) => select(at, given(at), optionShape),
  external_select: (at) => select(at, asked(at), optionShape),
  multi_external_select: (at) => select(at, asked(at), optionShape),
  users_select: (at) => select(at, people(at), idShape(at)),
  multi_users_select: (at) => select(at, people(at), idShape(at)),
  channels_select: (at) => select(at, rooms(at, { include: ["public"] }), idShape(at)),
  multi_channels_select: (at) => select(at, rooms(at, { include: ["public"] }), idShape(at)),
  conversations_select: (at) => select(at, rooms(at, at.element.filter ?? {}), idShape(at)),
  multi_conversations_select: (at) => select(at, rooms(at, at.element.filter ?? {}), idShape(at)),
};

function common({ element, id, names }) {
  return { ...names, id, key: id, class: "field", placeholder: element.placeholder?.text, "data-autofocus": element.focus_on_load };
}

function line(at, attributes) {
  const on = { input: (event) => at.ctx.enter(at.surface, at.block, at.element, event.target.value || null), keydown: (event) => entered(event, at) };
  return h("input", { ...common(at), ...attributes, autocomplete: "off", value: at.value ?? "", on });
}

function area(at, toValue = (text) => text || null) {
  const on = { input: (event) => at.ctx.enter(at.surface, at.block, at.element, toValue(event.target.value)) };
  return h("textarea", { ...common(at), rows: at.element.min_lines ?? 4, value: at.value ?? "", on });
}

// Pressing Enter tells the app of a field that asked for it; anywhere else it sends the form.
function entered(event, { ctx, surface, block, element }) {
  if (event.key !== "Enter" || event.isComposing || (block.type === "input" && !block.dispatch_action)) return;
  event.preventDefault();
  ctx.dispatchText(surface, block, element);
}

function moment(at, type, toValue = (text) => text || null) {
  const on = { change: (event) => at.ctx.change(at.surface, at.block, at.element, toValue(event.target.value)) };
  return h("input", { ...common(at), type, value: at.value ?? "", on });
}

function localOf(seconds) {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function boxes({ element, block, surface, ctx, id, names, value }, type) {
  const chosen = new Set((type === "radio" ? [value] : value).filter(Boolean).map((option) => option.value));
  const options = element.options ?? [];
  const pick = (option) => (event) => {
    if (type === "radio") return ctx.change(surface, block, element, option);
    return ctx.change(surface, block, element, options.filter((each) => (each === option ? event.target.checked : chosen.has(each.value))));
  };
  const items = options.map((option, at) =>
    h("label", { class: "box" },
      h("input", { type, name: id, id: at ? null : id, key: `${id}-${at}`, checked: chosen.has(option.value), on: { change: pick(option) } }),
      h("span", {}, ctx.text(option.text), option.description && h("span", { class: "box-note" }, ctx.text(option.description)))));
  return h("div", { ...names, role: type === "radio" ? "radiogroup" : "group", class: "boxes", key: `${id}-group` }, items);
}

function select(at, search, shape) {
  const { element, block, surface, ctx, id, names } = at;
  const multiple = element.type.startsWith("multi_");
  const placeholder = element.placeholder?.text ?? (multiple ? "Select options" : "Select an option");
  const list = () => [surface.values.get(block.block_id, element)].flat().filter(Boolean);
  return picker({
    id, placeholder, multiple, search, most: element.max_selected_items, least: element.type.endsWith("external_select") ? (element.min_query_length ?? 3) : 0,
    opaque: JSON.stringify([surface.key, block.block_id, element, ctx.choicesVersion]), labels: names, clearable: block.optional,
    selected: () => list().map(shape.toChoice),
    choose: (choices) => ctx.change(surface, block, element, multiple ? choices.map(shape.toValue) : choices.length ? shape.toValue(choices[0]) : null),
  });
}

const optionShape = { toChoice: choiceOf, toValue: ({ option }) => option };

function idShape({ ctx }) {
  return { toChoice: (id) => ({ value: id, text: ctx.labelOf(id) }), toValue: ({ value }) => value };
}

function choiceOf(option) {
  return { value: option.value, text: option.text?.text ?? option.value, description: option.description?.text, option };
}

function matching(choices, typed) {
  const wanted = typed.trim().toLocaleLowerCase();
  return wanted ? choices.filter(({ text, description }) => `${text} ${description ?? ""}`.toLocaleLowerCase().includes(wanted)) : choices;
}

const grouped = ({ options, option_groups: groups }) => groups?.map((group) => ({ label: group.label?.text, options: group.options })) ?? [{ options: options ?? [] }];

function given({ element }) {
  const groups = grouped(element).map(({ label, options }) => ({ label, choices: options.map(choiceOf) }));
  return async (typed) => groups.map(({ label, choices }) => ({ label, choices: matching(choices, typed) })).filter(({ choices }) => choices.length);
}

function asked({ element, block, surface, ctx }) {
  return async (typed) => grouped(await ctx.options(surface, block, element, typed)).map(({ label, options }) => ({ label, choices: options.map(choiceOf) }));
}

function people({ ctx }) {
  return async (typed) => [{ choices: matching(ctx.users().map(({ id, name, real_name: text }) => ({ value: id, text: text || name, description: name })), typed) }];
}

function rooms({ ctx }, { include, exclude_bot_users: noBots }) {
  const kindOf = ({ is_im: im, is_private: hidden }) => (im ? "im" : hidden ? "private" : "public");
  const isBot = ({ im_user: id }) => ctx.user(id)?.is_bot;
  const wanted = (channel) => !channel.is_archived && (!include || include.includes(kindOf(channel))) && !(noBots && channel.is_im && isBot(channel));
  return async (typed) => [{ choices: matching(ctx.channels().filter(wanted).map(({ id }) => ({ value: id, text: ctx.labelOf(id) })), typed) }];
}
