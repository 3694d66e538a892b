// The messages of a channel, one list item each.

import { blocks } from "./blocks.js";
import { fromTs, sameDay } from "./dates.js";
import { h, svg } from "./element.js";
import { emoji } from "./emoji.js";
import { ICONS } from "./icons.js";
import { link, picture } from "./links.js";
import { mrkdwn } from "./mrkdwn.js";

const TOGETHER_S = 300;
const COLOURS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

/** List items for the messages; `newFrom` is the ts of the first one the person has not read. */
export function messageList(messages, { channel, pins = [], newFrom, replies, surfaces, openThread }, ctx) {
  const items = [];
  messages.forEach((message, at) => {
    const before = messages[at - 1];
    const when = fromTs(message.ts);
    const newDay = !before || !sameDay(fromTs(before.ts), when);
    if (newDay) items.push(divider(`day-${when.toDateString()}`, ctx.dates.day(when), "day"));
    if (message.ts === newFrom) items.push(divider("new", "New", "new"));
    const facts = { pinned: pins.includes(message.ts), follows: !newDay && message.ts !== newFrom && continues(before, message) };
    const thread = replies?.get(message.ts);
    items.push(item(message, surfaces.message(channel, message), { ...facts, thread, openThread }, ctx));
  });
  return items;
}

function divider(key, text, kind) {
  return h("li", { key, class: `divider divider-${kind}` }, h("span", {}, text));
}

function continues(before, message) {
  const quiet = [before, message].every((each) => !each.ephemeral && !each.notice && !each.attachments?.length);
  return quiet && authorKey(before) === authorKey(message) && message.ts - before.ts < TOGETHER_S && !message.thread_ts && !before.thread_ts;
}

const authorKey = ({ user, bot_name: name }) => `${user}/${name ?? ""}`;

export function authorOf({ user, bot_name: botName }, ctx) {
  const known = ctx.user(user);
  const isApp = Boolean(botName) || (known?.is_bot ?? false) || ctx.apps().some((app) => app.bot_user === user);
  return { name: botName || (user ? ctx.nameOf(user) : "Workspace"), isApp, id: user };
}

function item(message, surface, { pinned, follows, thread, openThread }, ctx) {
  const kind = [message.ephemeral && "ephemeral", message.notice && "quiet-line", pinned && "pinned", follows && "follows"].filter(Boolean);
  const author = authorOf(message, ctx);
  const when = fromTs(message.ts);
  const time = h("time", { class: "time", datetime: when.toISOString(), title: ctx.dates.full(when) }, ctx.dates.time(when));
  return h("li", { key: message.ts, id: `message-${message.ts}`, class: ["message", ...kind].join(" "), tabindex: "-1" },
    pinned && h("div", { class: "above", key: "pinned" }, svg(ICONS.pin), "Pinned"),
    message.ephemeral && h("div", { class: "above", key: "only-you" }, svg(ICONS.eye), "Only visible to you"),
    h("div", { class: "gutter" }, follows ? time : avatar(author)),
    h("article", { class: "message-main", "aria-label": `${author.name}, ${ctx.dates.time(when)}` },
      h("div", { class: follows ? "byline visually-hidden" : "byline" },
        h("span", { class: "author" }, author.name), author.isApp && h("span", { class: "badge-app" }, "APP"), follows ? null : time),
      content(message, surface, ctx),
      message.reactions?.length ? h("ul", { class: "reactions", "aria-label": "Reactions" }, message.reactions.map((each) => reaction(each, ctx))) : null,
      thread?.length && threadLink(message, thread, openThread, ctx)));
}

function content(message, surface, ctx) {
  const edited = message.edited && h("span", { class: "edited", key: "edited" }, "(edited)");
  const body = message.blocks?.length ? h("div", { class: "blocks" }, blocks(message.blocks, surface, ctx)) : h("div", { class: "text" }, mrkdwn(message.text, ctx), edited && " ", edited);
  const below = message.blocks?.length ? edited : null;
  const trouble = message.trouble && h("p", { class: "message-trouble", key: "trouble", role: "alert" }, svg(ICONS.warning), h("span", {}, message.trouble));
  return [body, (message.attachments ?? []).map((each, at) => attachment(each, at, surface, ctx)), (message.files ?? []).map(file), below, trouble];
}

function attachment(each, at, surface, ctx) {
  const text = (value) => value && h("div", { class: "text" }, mrkdwn(value, ctx));
  const body = h("div", { class: "attachment-body" },
    each.author_name && h("div", { class: "muted" }, each.author_name),
    each.title && h("strong", {}, each.title_link ? link(each.title_link, each.title) : each.title),
    text(each.text),
    each.fields && h("div", { class: "fields" }, each.fields.map((field) =>
      h("div", { class: field.short ? "text" : "text long" }, h("strong", {}, field.title ?? ""), h("br"), mrkdwn(String(field.value ?? ""), ctx)))),
    each.blocks && h("div", { class: "blocks" }, blocks(each.blocks, surface, ctx)),
    each.image_url && picture(each.image_url, each.fallback ?? each.title ?? "", "picture"),
    each.thumb_url && picture(each.thumb_url, "", "thumb"),
    each.footer && h("div", { class: "muted" }, each.footer),
    !hasContent(each) && text(each.fallback ?? ""));
  const bar = h("div", { class: "attachment-bar" });
  bar.style.backgroundColor = colourOf(each.color);
  return h("div", { class: "attachment", key: `attachment-${at}` }, text(each.pretext), h("div", { class: "attachment-frame" }, bar, body));
}

function file({ id, title, name, permalink, url_private: address }) {
  const label = title || name || id || "file";
  const href = permalink || address;
  return h("div", { class: "attached", key: `file-${id ?? label}` }, href ? link(new URL(href, location.href).href, label) : label);
}

function hasContent({ author_name: author, title, text, fields, blocks: list, image_url: image, thumb_url: thumb, pretext }) {
  return Boolean(author || title || text || fields?.length || list?.length || image || thumb || pretext);
}

function colourOf(colour) {
  if (colour in COLOURS) return COLOURS[colour];
  return /^#?[0-9a-f]{3,8}$/i.test(colour ?? "") ? `#${colour.replace("#", "")}` : "";
}

function reaction({ name, users = [] }, ctx) {
  const who = users.map((id) => ctx.nameOf(id)).join(", ");
  return h("li", { class: users.includes(ctx.me) ? "reaction mine" : "reaction", title: who },
    emoji(name), h("span", { "aria-hidden": "true" }, users.length), h("span", { class: "visually-hidden" }, `by ${who}`));
}

function threadLink(message, thread, openThread, ctx) {
  const count = thread.length === 1 ? "1 reply" : `${thread.length} replies`;
  const last = ctx.dates.time(fromTs(thread.at(-1).ts));
  return h("button", { type: "button", class: "thread-link", key: "thread", on: { click: () => openThread(message.ts) } },
    svg(ICONS.thread), h("strong", {}, count), h("span", { class: "muted" }, `Last at ${last}`));
}

/** A square with the first letters of a name, in a colour that stays with the person. */
export function avatar({ name, isApp, id }) {
  const letters = [...(name ?? "?")].filter((letter) => /[\p{L}\p{N}]/u.test(letter));
  const initials = /[\p{Script=Hangul}\p{Script=Han}]/u.test(letters[0] ?? "") ? letters.slice(-2) : name.split(/[\s._-]+/).map((part) => part[0]).slice(0, 2);
  const hue = [...(id ?? name ?? "")].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 12, 7);
  return h("span", { class: `avatar hue-${hue}${isApp ? " avatar-app" : ""}`, "aria-hidden": "true" }, initials.join("").toUpperCase());
}
