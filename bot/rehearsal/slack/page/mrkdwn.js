// Slack's mrkdwn, read into DOM nodes. The rules are the ones a person meets in Slack: a marker opens only at the
// start of a word and closes only at its end, on the same line.

import { h } from "./element.js";
import { emoji, SHORTCODE } from "./emoji.js";
import { followable, link } from "./links.js";

const FENCE = /```\n?([\s\S]*?)\n?```/;
const INLINE = new RegExp(`<([^<>\\n]+)>|\`([^\`\\n]+)\`|${SHORTCODE.source}|([*_~])|(https?://[^\\s<>|]*[^\\s<>|.,:;!?)'"\\]])`, "u");
const STYLES = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const GROUPS = new Set(["here", "channel", "everyone"]);

/** Nodes for a mrkdwn text. `verbatim` leaves bare addresses as text, as Slack's own flag does. */
export function mrkdwn(text, ctx, { verbatim = false } = {}) {
  const nodes = [];
  let rest = text ?? "";
  for (let found = FENCE.exec(rest); found; found = FENCE.exec(rest)) {
    nodes.push(...quotes(rest.slice(0, found.index).replace(/\n$/, ""), ctx, verbatim));
    nodes.push(h("pre", {}, h("code", {}, literal(found[1], ctx))));
    rest = rest.slice(found.index + found[0].length).replace(/^\n/, "");
  }
  return [...nodes, ...quotes(rest, ctx, verbatim)];
}

export function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The same text for a place that can show no markup: an announcement, a title, a list of pins. */
export function plainOf(text, ctx) {
  const box = h("div", {}, mrkdwn(text ?? "", ctx));
  for (const picture of box.querySelectorAll(".emoji")) picture.replaceWith(picture.getAttribute("aria-label"), " ");
  for (const broken of box.querySelectorAll("br, pre, blockquote")) broken.before(" ");
  return box.textContent.replace(/\s+/g, " ").trim();
}

function quotes(text, ctx, verbatim) {
  const whole = /^(?:&gt;|>){3}\s?/;
  const one = /^(?:&gt;|>)\s?/;
  const nodes = [];
  const lines = text === "" ? [] : text.split("\n");
  for (let at = 0; at < lines.length; ) {
    const start = at;
    if (whole.test(lines[at])) at = lines.length;
    else while (at < lines.length && one.test(lines[at])) at += 1;
    if (at > start) {
      const inner = lines.slice(start, at).map((each, index) => each.replace(index === 0 && whole.test(each) ? whole : one, ""));
      nodes.push(h("blockquote", {}, broken(inner, ctx, verbatim)));
      continue;
    }
    while (at < lines.length && !one.test(lines[at])) at += 1;
    nodes.push(...broken(lines.slice(start, at), ctx, verbatim));
  }
  return nodes;
}

function broken(lines, ctx, verbatim) {
  return lines.flatMap((line, index) => [...(index ? [h("br")] : []), ...inline(line, ctx, verbatim)]);
}

function inline(text, ctx, verbatim) {
  const nodes = [];
  let from = 0;
  let at = 0;
  const upTo = (end) => from < end && nodes.push(unescaped(text.slice(from, end)));
  for (let found = next(text, at); found; found = next(text, at)) {
    const read = token(found, text, ctx, verbatim);
    at = read ? read.end : found.index + 1;
    if (!read) continue;
    upTo(found.index);
    nodes.push(...read.nodes);
    from = at;
  }
  upTo(text.length);
  return nodes;
}

function next(text, at) {
  const found = INLINE.exec(text.slice(at));
  if (found) found.index += at;
  return found;
}

function token(found, text, ctx, verbatim) {
  const [whole, bracket, code, name, marker, address] = found;
  const end = found.index + whole.length;
  if (bracket !== undefined) return { nodes: [bracketed(bracket, ctx, verbatim)], end };
  if (code !== undefined) return { nodes: [h("code", {}, literal(code, ctx))], end };
  if (name !== undefined) return { nodes: [emoji(name)], end };
  if (address !== undefined) return verbatim ? null : { nodes: [link(unescaped(address), unescaped(address))], end };
  const close = closing(text, found.index, marker);
  if (close < 0) return null;
  const inner = inline(text.slice(found.index + 1, close), ctx, verbatim);
  return { nodes: [h(STYLES[marker], {}, inner)], end: close + 1 };
}

function closing(text, open, marker) {
  const before = text[open - 1];
  const after = text[open + 1];
  if ((before && (WORD.test(before) || before === marker)) || !after || /\s/.test(after) || after === marker) return -1;
  for (let at = text.indexOf(marker, open + 2); at > 0; at = text.indexOf(marker, at + 1)) {
    const follows = text[at + 1];
    if (!/\s/.test(text[at - 1]) && (!follows || (!WORD.test(follows) && follows !== marker))) return at;
  }
  return -1;
}

/** What stands between < and >: a mention, a date, or a link. */
function bracketed(inner, ctx, verbatim) {
  const [target, ...labels] = inner.split("|");
  const label = labels.length ? unescaped(labels.join("|")) : null;
  if (target.startsWith("@")) return ctx.mention(target.slice(1), label);
  if (target.startsWith("#")) return ctx.channelLink(target.slice(1), label);
  if (target.startsWith("!")) return special(target.slice(1), label, ctx);
  const address = unescaped(target);
  if (!followable(address)) return `<${unescaped(inner)}>`;
  return label === null ? link(address, address.replace(/^mailto:/, "")) : link(address, ...inline(labels.join("|"), ctx, true));
}

function special(command, label, ctx) {
  const [name, ...rest] = command.split("^");
  if (GROUPS.has(name)) return h("span", { class: "mention mention-all" }, `@${name}`);
  if (name === "subteam") return h("span", { class: "mention" }, label ?? `@${rest[0]}`);
  if (name === "date") return dateNode(rest[0], rest[1] ?? "", rest[2], label, ctx);
  return label ?? `<!${command}>`;
}

export function dateNode(seconds, format, address, fallback, ctx) {
  const text = ctx.dates.token(seconds, unescaped(format)) ?? fallback ?? String(seconds);
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return text;
  const time = h("time", { datetime: moment.toISOString(), title: ctx.dates.full(moment) }, text);
  return address && followable(unescaped(address)) ? link(unescaped(address), time) : time;
}

// Code shows its text as it is, but Slack still wraps addresses and people in brackets there.
function literal(text, ctx) {
  return unescaped(
    text.replace(/<([^<>\n]+)>/g, (whole, inner) => {
      const [target, label] = inner.split("|");
      if (/^[@#]/.test(target)) return label ?? (target[0] === "@" ? `@${ctx.nameOf(target.slice(1))}` : whole);
      return /^(https?|mailto):/.test(target) ? (label ?? target) : whole;
    }),
  );
}
