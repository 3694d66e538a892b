// The main area: a channel, a direct message, or an app's home.

import { blocks } from "./blocks.js";
import { titleOf } from "./context.js";
import { h, svg } from "./element.js";
import { ICONS } from "./icons.js";
import { link } from "./links.js";
import { authorOf, avatar, messageList } from "./messages.js";
import { mrkdwn, plainOf } from "./mrkdwn.js";

/** The message list's direct children, replies set apart; replies whose parent is not here stay in the channel. */
export function threadsOf(messages) {
  const present = new Set(messages.map(({ ts }) => ts));
  const isReply = ({ ts, thread_ts: parent }) => parent && parent !== ts && present.has(parent);
  const replies = new Map();
  for (const message of messages.filter(isReply)) replies.set(message.thread_ts, [...(replies.get(message.thread_ts) ?? []), message]);
  return { roots: messages.filter((message) => !isReply(message)), replies };
}

export function channelView({ channel, messages, surfaces, newFrom, openThread, openDirect, join, jumpTo, showMenu, composer, status }, ctx) {
  const { roots, replies } = threadsOf(messages);
  const title = titleOf(channel, ctx);
  const items = messageList(roots, { channel: channel.id, pins: channel.pins, newFrom, replies, surfaces, openThread }, ctx);
  return [
    h("header", { class: "channel-head", key: "head" }, menuToggle(showMenu), heading(channel, title, ctx),
      h("div", { class: "head-tools" }, pins(channel, messages, jumpTo, ctx), members(channel, openDirect, ctx))),
    channel.bookmarks?.length ? h("nav", { class: "bookmarks", key: "bookmarks", "aria-label": "Bookmarks" },
      channel.bookmarks.map((each) => h("span", { class: "bookmark" }, svg(ICONS.bookmark), link(each.link, each.title || each.link)))) : null,
    status,
    h("div", { class: "scroller", key: `scroller-${channel.id}`, id: "scroller", tabindex: "0", role: "region", "aria-label": `Messages in ${title}` },
      beginning(channel, title, ctx), h("ol", { class: "messages", role: "list" }, items)),
    foot(channel, title, composer, join),
  ];
}

function foot(channel, title, composer, join) {
  if (channel.is_archived) return h("p", { class: "closed", key: "closed" }, svg(ICONS.archive), "This channel is archived. Nobody can write here any more.");
  if (channel.is_im || channel.is_member) return composer;
  return h("div", { class: "closed", key: "join" }, h("span", {}, `You are looking at ${title}, and are not in it.`),
    h("button", { type: "button", class: "button filled primary", on: { click: () => join(channel.id) } }, "Join channel"));
}

function menuToggle(showMenu) {
  return h("button", { type: "button", class: "icon-button drawer-toggle", "aria-label": "Show channels", on: { click: showMenu } }, svg(ICONS.menu));
}

function heading(channel, title, ctx) {
  const topic = channel.topic && h("p", { class: "topic", title: plainOf(channel.topic, ctx) }, mrkdwn(channel.topic, ctx));
  const name = channel.is_im ? [avatar({ name: title, isApp: ctx.user(channel.im_user)?.is_bot, id: channel.im_user }), h("span", {}, title)] : [svg(channel.is_private ? ICONS.lock : ICONS.hash), h("span", {}, channel.name)];
  return h("div", { class: "heading" }, h("h2", {}, name), topic);
}

function beginning(channel, title, ctx) {
  const about = channel.is_im ? `This is the beginning of your conversation with ${title}.` : `This is the very beginning of the ${title} channel.`;
  return h("div", { class: "beginning", key: "beginning" }, h("h3", {}, title), h("p", {}, about, channel.purpose && [" ", mrkdwn(channel.purpose, ctx)]));
}

function pins(channel, messages, jumpTo, ctx) {
  if (!channel.pins?.length) return null;
  const entries = channel.pins.map((ts) => {
    const message = messages.find((each) => each.ts === ts);
    const text = message ? `${authorOf(message, ctx).name}: ${plainOf(message.text || "a card", ctx)}` : "An older message";
    return h("li", { key: ts }, h("button", { type: "button", class: "menu-item", popovertarget: "pins", on: { click: () => jumpTo(ts) } }, text));
  });
  return panel("pins", svg(ICONS.pin), channel.pins.length, `${channel.pins.length} pinned`, h("ul", {}, entries));
}

function members(channel, openDirect, ctx) {
  if (channel.is_im || !channel.members) return null;
  const list = Array.isArray(channel.members) ? channel.members : [];
  const count = Array.isArray(channel.members) ? list.length : channel.members;
  const entries = list.map((id) => h("li", { key: id }, h("button", { type: "button", class: "menu-item person", popovertarget: "members", on: { click: () => openDirect(id) } },
    avatar({ name: ctx.nameOf(id), isApp: ctx.user(id)?.is_bot, id }), ctx.nameOf(id))));
  return panel("members", svg(ICONS.people), count, `${count} members`, h("ul", {}, entries));
}

function panel(id, icon, count, label, content) {
  return [
    h("button", { key: `${id}-button`, type: "button", class: "head-button", popovertarget: id, "aria-label": label, title: label }, icon, count),
    h("div", { key: id, id, popover: "auto", class: "menu panel", "aria-label": label, role: "group" }, h("div", { class: "menu-group" }, label), content),
  ];
}

export function homeView({ app, view, surfaces, showMenu, openMessages, status }, ctx) {
  const body = view ? blocks(view.blocks, surfaces.view(view, "home"), ctx) : h("p", { class: "muted" }, `${app.name} has not put anything here yet.`);
  return [
    h("header", { class: "channel-head", key: "head" }, menuToggle(showMenu),
      h("div", { class: "heading" }, h("h2", {}, avatar({ name: app.name, isApp: true, id: app.bot_user }), h("span", {}, app.name)))),
    h("div", { class: "tabs", key: "tabs", role: "group", "aria-label": app.name },
      h("button", { type: "button", "aria-current": "page" }, "Home"), app.bot_user && h("button", { type: "button", on: { click: openMessages } }, "Messages")),
    status,
    h("div", { class: "scroller home", key: `home-${app.id}`, id: "scroller", tabindex: "0", role: "region", "aria-label": `Home of ${app.name}` }, h("div", { class: "blocks home-blocks" }, body)),
  ];
}

export function threadView({ channel, parent, messages, surfaces, close }, ctx) {
  const { replies } = threadsOf(messages);
  const root = messages.find(({ ts }) => ts === parent);
  if (!root) return null;
  const all = [root, ...(replies.get(parent) ?? [])];
  return h("aside", { class: "thread", key: `thread-${parent}`, "aria-label": "Thread", on: { keydown: (event) => event.key === "Escape" && close() } },
    h("header", { class: "channel-head" }, h("div", { class: "heading" }, h("h2", {}, "Thread"), h("p", { class: "topic" }, titleOf(channel, ctx))),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close thread", on: { click: close } }, svg(ICONS.close))),
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Replies" },
      h("ol", { class: "messages", role: "list" }, messageList(all, { channel: channel.id, surfaces }, ctx))));
}

export function nothingView(showMenu, status) {
  return [h("header", { class: "channel-head", key: "head" }, menuToggle(showMenu), h("div", { class: "heading" }, h("h2", {}, "No channel yet"))), status,
    h("p", { class: "empty", key: "empty" }, "As soon as there is a channel, it appears on the left.")];
}
