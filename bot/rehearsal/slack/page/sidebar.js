// The left side: who you are, channels, direct messages and apps.

import { titleOf } from "./context.js";
import { h, svg } from "./element.js";
import { ICONS } from "./icons.js";
import { avatar } from "./messages.js";
import { menuButton } from "./popup.js";

export function sidebar({ state, place, switchUser, openDirect }, ctx) {
  const rooms = state.channels.filter((channel) => !channel.is_im);
  const open = rooms.filter((channel) => !channel.is_archived).sort(byName);
  const isCurrent = (channel) => place.channel === channel.id;
  const roomItem = (channel) => entry({ key: channel.id, href: ctx.linkTo({ channel: channel.id }), mark: svg(ICONS[channel.is_archived ? "archive" : channel.is_private ? "lock" : "hash"]), text: channel.name, unread: channel.unread, current: isCurrent(channel) });
  return [
    h("div", { class: "team" }, h("h1", {}, state.team.name), h("p", { class: "team-note" }, "Runs on this machine only")),
    h("nav", { key: "nav", "aria-label": "Channels and direct messages", class: "places", on: { keydown: move } },
      group("Channels", open.filter((channel) => channel.is_member).map(roomItem)),
      group("Not joined", open.filter((channel) => !channel.is_member).map(roomItem)),
      group("Direct messages", state.channels.filter((channel) => channel.is_im).map((channel) => direct(channel, isCurrent(channel), ctx)), newMessage(state, openDirect, ctx)),
      group("Apps", (state.apps ?? []).map((app) => entry({ key: app.id, href: ctx.linkTo({ app: app.id }), mark: avatar({ name: app.name, isApp: true, id: app.bot_user }), text: app.name, current: place.app === app.id }))),
      archived(rooms.filter((channel) => channel.is_archived).sort(byName), roomItem, isCurrent)),
    h("div", { class: "you", key: "you" },
      avatar({ name: ctx.nameOf(state.me), id: state.me }),
      h("label", { for: "you-are" }, "You are:"),
      h("select", { id: "you-are", value: state.me, on: { change: (event) => switchUser(event.target.value) } },
        state.users.filter((user) => !user.is_bot).map((user) => h("option", { value: user.id, key: user.id }, user.real_name || user.name)))),
  ];
}

const byName = (left, right) => left.name.localeCompare(right.name);

function group(title, items, extra) {
  if (!items.length && !extra) return null;
  return h("section", { key: title, "aria-label": title }, h("div", { class: "group-head" }, h("h2", {}, title), extra), h("ul", {}, items));
}

function archived(channels, draw, isCurrent) {
  if (!channels.length) return null;
  return h("details", { key: "archived", class: "archived", open: channels.some(isCurrent) },
    h("summary", {}, `Archived (${channels.length})`), h("ul", {}, channels.map(draw)));
}

function direct(channel, current, ctx) {
  const name = titleOf(channel, ctx);
  const person = ctx.user(channel.im_user);
  const text = channel.im_user === ctx.me ? `${name} (you)` : name;
  return entry({ key: channel.id, href: ctx.linkTo({ channel: channel.id }), mark: avatar({ name, isApp: person?.is_bot, id: channel.im_user }), text, unread: channel.unread, current });
}

function entry({ key, href, mark, text, unread, current }) {
  const count = Number(unread) || 0;
  return h("li", { key },
    h("a", { href, class: count ? "place unread" : "place", "aria-current": current ? "page" : null },
      h("span", { class: "place-mark" }, mark), h("span", { class: "place-name" }, text),
      count > 0 && h("span", { class: "count" }, count > 99 ? "99+" : count, h("span", { class: "visually-hidden" }, " unread"))));
}

function newMessage(state, openDirect, ctx) {
  const others = state.users.filter((user) => user.id !== state.me);
  const entries = others.map((user) => [ctx.nameOf(user.id), () => openDirect(user.id)]);
  const parts = menuButton({ label: "New direct message", content: svg(ICONS.plus), className: "icon-button", entries });
  return h("span", { key: "new-message", opaque: `${state.me}/${others.map((user) => ctx.nameOf(user.id)).join("/")}` }, parts);
}

// Up and down go through the list as in Slack; Tab still visits every entry.
function move(event) {
  if (!event.target.matches?.(".place")) return;
  const places = [...event.currentTarget.querySelectorAll(".place")].filter((place) => place.offsetParent);
  const at = places.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: places.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  places[Math.max(0, Math.min(places.length - 1, to))].focus();
}
