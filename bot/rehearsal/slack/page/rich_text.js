// The rich_text block: Slack's own editor's format, as a tree instead of marks in a text.

import { h } from "./element.js";
import { emoji } from "./emoji.js";
import { link } from "./links.js";
import { dateNode } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

export function richText(block, ctx) {
  return h("div", { class: "rich-text" }, (block.elements ?? []).map((element) => section(element, ctx)));
}

function section(element, ctx) {
  const inner = () => (element.elements ?? []).map((part) => piece(part, ctx));
  switch (element.type) {
    case "rich_text_section":
      return h("div", { class: "rich-section" }, lines(inner()));
    case "rich_text_preformatted":
      return h("pre", {}, h("code", {}, inner()));
    case "rich_text_quote":
      return h("blockquote", {}, lines(inner()));
    case "rich_text_list":
      return list(element, ctx);
    default:
      return ctx.unsupported(element.type);
  }
}

function list(element, ctx) {
  const ordered = element.style === "ordered";
  const attributes = { class: `rich-list indent-${Math.min(element.indent ?? 0, 5)}` };
  if (ordered && element.offset) attributes.start = element.offset + 1;
  const items = (element.elements ?? []).map((item) => h("li", {}, section(item, ctx)));
  return h(ordered ? "ol" : "ul", attributes, items);
}

function piece(part, ctx) {
  const node = content(part, ctx);
  return Object.entries(STYLES).reduce((inner, [name, tag]) => (part.style?.[name] ? h(tag, {}, inner) : inner), node);
}

function content(part, ctx) {
  switch (part.type) {
    case "text":
      return part.text ?? "";
    case "link":
      return link(part.url, part.text || part.url);
    case "user":
      return ctx.mention(part.user_id);
    case "channel":
      return ctx.channelLink(part.channel_id);
    case "usergroup":
      return h("span", { class: "mention" }, `@${part.usergroup_id}`);
    case "team":
      return h("span", { class: "mention" }, `@${part.team_id}`);
    case "broadcast":
      return h("span", { class: "mention mention-all" }, `@${part.range}`);
    case "emoji":
      return emoji(part.name, part.unicode);
    case "date":
      return dateNode(part.timestamp, part.format ?? "{date}", part.url, part.fallback, ctx);
    case "color":
      return colour(part.value);
    default:
      return ctx.unsupported(part.type);
  }
}

function colour(value) {
  const swatch = h("span", { class: "swatch" });
  swatch.style.backgroundColor = value;
  return h("span", {}, swatch, value);
}

// Slack writes line breaks as newlines inside the text of a section.
function lines(nodes) {
  return nodes.flatMap((node) => (typeof node === "string" ? node.split("\n").flatMap((line, at) => (at ? [h("br"), line] : [line])) : [node]));
}
