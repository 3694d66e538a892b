// What every drawing function may ask: who is who, how a text is drawn, and what happens when something is pressed.

import { datesFor } from "./dates.js";
import { h } from "./element.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn, plainOf } from "./mrkdwn.js";
import { addressOf } from "./place.js";

/** `actions` brings press, change, enter, dispatchText, options and isWaiting (see actions.js). */
export function contextFor(workspace, actions) {
  const state = () => workspace.state;
  const find = (list, id) => list.find((each) => each.id === id);
  const ctx = {
    ...actions,
    get me() { return state().me; },
    get dates() { return datesFor(ctx.user(state().me)?.locale); },
    get choicesVersion() { return `${state().users.length}/${state().channels.length}`; },
    users: () => state().users,
    channels: () => state().channels,
    apps: () => state().apps ?? [],
    user: (id) => find(state().users, id),
    channel: (id) => find(state().channels, id),
    nameOf: (id) => displayName(ctx.user(id)) ?? ctx.apps().find((app) => app.bot_user === id)?.name ?? id,
    labelOf: (id) => (ctx.user(id) ? displayName(ctx.user(id)) : titleOf(ctx.channel(id), ctx) ?? id),
    mention: (id, label) => h("span", { class: id === state().me ? "mention mention-me" : "mention", "data-user": id }, `@${ctx.user(id) ? ctx.nameOf(id) : (label ?? id)}`),
    channelLink: (id, label) => channelLink(id, label, ctx),
    text: (object) => draw(object, ctx),
    plain: (text) => plainOf(text, ctx),
    unsupported: (type) => h("span", { class: "unsupported" }, `[unsupported: ${type ?? "no type"}]`),
    linkTo: (place) => addressOf({ user: state().me, ...place }),
  };
  return ctx;
}

function displayName(user) {
  return user && (user.real_name || user.name);
}

/** A channel's name as people read it: #name, or the other person of a direct message. */
export function titleOf(channel, ctx) {
  if (!channel) return undefined;
  return channel.is_im ? ctx.nameOf(channel.im_user) : `#${channel.name}`;
}

function channelLink(id, label, ctx) {
  const known = ctx.channel(id);
  if (!known) return h("span", { class: "mention" }, `#${label ?? id}`);
  return h("a", { class: "mention", href: ctx.linkTo({ channel: id }) }, titleOf(known, ctx));
}

function draw(object, ctx) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, ctx, { verbatim: object.verbatim });
  if (object.type === "plain_text") return object.emoji === false ? [object.text] : withEmoji(object.text ?? "");
  return [ctx.unsupported(object.type)];
}
