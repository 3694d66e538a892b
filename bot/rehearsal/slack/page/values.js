// What a person has entered: the value of every field, kept apart from the DOM so that drawing again loses nothing.

import { escaped } from "./mrkdwn.js";

// For each element: the name its value has in Slack's payloads, and where its first value stands in the definition.
const SHAPES = {
  plain_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  rich_text_input: ["rich_text_value", "initial_value"],
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
  multi_static_select: ["selected_options", "initial_options"],
  multi_external_select: ["selected_options", "initial_options"],
  multi_users_select: ["selected_users", "initial_users"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  multi_channels_select: ["selected_channels", "initial_channels"],
  radio_buttons: ["selected_option", "initial_option"],
  checkboxes: ["selected_options", "initial_options"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
};

export function nameOfValue(element) {
  return SHAPES[element.type]?.[0];
}

/** The values of one surface (a message, a view). `keepEdits`: a modal keeps them when its initial values change. */
export class Values {
  #entered = new Map();
  #keepEdits;

  constructor({ keepEdits = false, known = {} } = {}) {
    this.#keepEdits = keepEdits;
    this.known = known;
  }

  get(blockId, element) {
    const [name, initial] = SHAPES[element.type] ?? [];
    if (!name) return undefined;
    const entered = this.#entered.get(keyOf(blockId, element));
    if (entered && (this.#keepEdits || entered.initial === JSON.stringify(element[initial]))) return entered.value;
    const known = this.known[blockId]?.[element.action_id];
    return (known && name in known ? known[name] : element[initial]) ?? (name.endsWith("s") ? [] : null);
  }

  set(blockId, element, value) {
    const [, initial] = SHAPES[element.type];
    this.#entered.set(keyOf(blockId, element), { value, initial: JSON.stringify(element[initial]) });
  }

  /** `state.values` as Slack sends it: every field of these blocks, filled in or not. */
  collect(blocks) {
    const values = {};
    for (const [block, element] of fieldsOf(blocks)) {
      const name = nameOfValue(element);
      if (!name) continue;
      values[block.block_id] ??= {};
      values[block.block_id][element.action_id] = { type: element.type, [name]: this.get(block.block_id, element) };
    }
    return values;
  }
}

function keyOf(blockId, element) {
  return `${blockId}\n${element.action_id}\n${element.type}`;
}

/** Every [block, element] pair, in the order of the page. */
export function fieldsOf(blocks) {
  return (blocks ?? []).flatMap((block) => {
    if (block.type === "container") return fieldsOf(block.child_blocks);
    const elements = [block.element, block.accessory, ...(block.type === "actions" ? (block.elements ?? []) : [])];
    return elements.filter(Boolean).map((element) => [block, element]);
  });
}

/** What Slack's own client would refuse before it asks the app: `{block_id: text}`. */
export function problemsIn(blocks, values) {
  const problems = {};
  for (const [block, element] of fieldsOf(blocks)) {
    if (block.type !== "input") continue;
    const problem = problemWith(element, values.get(block.block_id, element), block.optional);
    if (problem) problems[block.block_id] = problem;
  }
  return problems;
}

function problemWith(element, value, optional) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) {
    return optional ? null : "Please complete this required field.";
  }
  if (element.type === "plain_text_input") return problemWithLength(element, value);
  if (element.type === "number_input") return problemWithNumber(element, value);
  if (element.type === "email_text_input" && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return "Please enter a valid email address.";
  if (element.type === "url_text_input" && !URL.canParse(value)) return "Please enter a valid URL.";
  return null;
}

function problemWithLength({ min_length: least = 0, max_length: most = 3000 }, { length }) {
  if (length < least) return `Please enter at least ${least} characters (now ${length}).`;
  return length > most ? `Please enter at most ${most} characters (now ${length}).` : null;
}

function problemWithNumber({ is_decimal_allowed: decimal, min_value: least, max_value: most }, value) {
  const number = Number(value);
  if (Number.isNaN(number)) return "Please enter a number.";
  if (!decimal && !Number.isInteger(number)) return "Please enter a whole number.";
  if (least !== undefined && number < Number(least)) return `Please enter ${least} or more.`;
  return most !== undefined && number > Number(most) ? `Please enter ${most} or less.` : null;
}

/** A typed text as a rich_text block, and back. */
export function richTextOf(text) {
  if (!text) return null;
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] };
}

export function textOfRich(block) {
  const parts = (block?.elements ?? []).flatMap((section) => section.elements ?? []);
  return parts.map((part) => part.text ?? part.url ?? (part.user_id && `@${part.user_id}`) ?? "").join("");
}

/** What Slack's client makes of a typed message: markup escaped, `@name` and `#name` turned into mentions. */
export function composed(text, users, channels) {
  const mention = (whole, before, mark, name) => {
    const found = mark === "@" ? users.find((user) => user.name === name) : channels.find((channel) => channel.name === name && !channel.is_im);
    if (found) return `${before}<${mark}${found.id}>`;
    return mark === "@" && ["here", "channel", "everyone"].includes(name) ? `${before}<!${name}>` : whole;
  };
  return escaped(text).replace(/(^|[\s(])([@#])([\p{L}\p{N}._-]*[\p{L}\p{N}_-])/gu, mention);
}
