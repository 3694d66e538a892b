// Start here: fetch what the server knows, draw it, and do both again whenever an event says that something changed.

import { actionsFor } from "./actions.js";
import { channelView, homeView, nothingView, threadView } from "./channel.js";
import { composer } from "./composer.js";
import { contextFor, titleOf } from "./context.js";
import { append, h, patchChildren } from "./element.js";
import { authorOf } from "./messages.js";
import { drawModal } from "./modal.js";
import { announcer, notices } from "./notices.js";
import { goTo, readPlace, settle } from "./place.js";
import { followMessages } from "./scrolling.js";
import { get, listen, Missing, Unreachable } from "./server.js";
import { sidebar } from "./sidebar.js";
import { Surfaces } from "./surfaces.js";

const at = (id) => document.getElementById(id);
const RETRY_MS = 1000;

const workspace = { state: null, messages: [], connected: true };
const shown = { place: readPlace(), thread: null, newFrom: null, lastTs: null, toldRead: null };
const drafts = new Map();
const surfaces = new Surfaces();
const notice = notices(at("notices"));
const announce = announcer(at("announcements"));
const page = { workspace, refresh, redraw, notice };
const actions = actionsFor(page);
const ctx = contextFor(workspace, actions);
page.ctx = ctx;
const scrolling = followMessages(at("main"), at("newer"));

let fetching = null;
let again = false;
let stopListening;

/** Fetch and draw. Calls that come while one is on its way are served together by one more. */
function refresh() {
  if (fetching) {
    again = true;
    return fetching;
  }
  fetching = fetchAndDraw().finally(() => {
    fetching = null;
    if (again) {
      again = false;
      refresh();
    }
  });
  return fetching;
}

async function fetchAndDraw() {
  const wanted = readPlace();
  try {
    const state = await stateFor(wanted.user);
    const place = resolve(wanted, state);
    const { messages } = place.channel ? await get("messages", { user: state.me, channel: place.channel }) : { messages: [] };
    if (JSON.stringify(wanted) !== JSON.stringify(readPlace())) return void (again = true);
    take(state, messages ?? [], place);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    lost();
    setTimeout(refresh, RETRY_MS);
  }
}

// A bookmark may name a person of an earlier workspace: then somebody who is here now is taken.
async function stateFor(user) {
  try {
    return await get("state", user ? { user } : {});
  } catch (error) {
    if (!(error instanceof Missing) || !user) throw error;
    return get("state", {});
  }
}

// Where to stand when the address does not say, or names something that is not there (any more).
function resolve({ channel, app }, state) {
  if (app && state.apps?.some(({ id }) => id === app)) return { user: state.me, app };
  const known = state.channels.find(({ id }) => id === channel) ?? state.channels.find((each) => each.is_member && !each.is_im && !each.is_archived) ?? state.channels[0];
  return { user: state.me, channel: known?.id };
}

function take(state, messages, place) {
  const moved = place.user !== workspace.state?.me || place.channel !== shown.place.channel || place.app !== shown.place.app || !workspace.state;
  const restarted = workspace.state && workspace.state.epoch !== state.epoch;
  if (restarted || state.me !== workspace.state?.me) surfaces.forgetAll();
  if (!stopListening || state.me !== workspace.state?.me) follow(state.me);
  Object.assign(workspace, { state, messages });
  shown.place = place;
  settle(place);
  surfaces.keepModals(state.modals ?? []);
  if (moved) arrive(state, messages, place);
  else tellNews(messages);
  shown.lastTs = messages.at(-1)?.ts ?? null;
  redraw();
  markRead();
}

function follow(user) {
  stopListening?.();
  stopListening = listen(user, heard, (state) => (state === "open" ? found() : lost()));
}

function heard(event) {
  if (event.type === "notice") notice(event.text);
  refresh();
}

function lost() {
  if (!workspace.connected) return;
  workspace.connected = false;
  redraw();
}

function found() {
  workspace.connected = true;
  refresh();
}

function arrive(state, messages, { channel, app }) {
  shown.thread = null;
  document.body.classList.remove("drawer-open");
  const unread = Number(state.channels.find(({ id }) => id === channel)?.unread) || 0;
  const others = messages.filter((message) => message.user !== state.me && (!message.thread_ts || message.thread_ts === message.ts));
  shown.newFrom = unread ? (others.at(-unread) ?? others[0])?.ts : null;
  scrolling.startAtEnd();
  if (app) actions.tell("home", { app_id: app }).then(refresh);
}

function tellNews(messages) {
  const fresh = messages.filter((message) => shown.lastTs && Number(message.ts) > Number(shown.lastTs) && message.user !== ctx.me);
  for (const message of fresh) announce(`${authorOf(message, ctx).name}: ${ctx.plain(message.text || "new card")}`);
}

function markRead() {
  const channel = ctx.channel(shown.place.channel);
  const seen = JSON.stringify([ctx.me, channel?.id, shown.lastTs, channel?.unread]);
  if (!channel?.unread || seen === shown.toldRead || document.visibilityState !== "visible") return;
  shown.toldRead = seen; // once for each: a server that goes on counting must not be asked for ever
  actions.tell("read", { channel: channel.id });
}

function redraw() {
  if (!workspace.state) return void patchChildren(at("main"), [statusLine() ?? h("p", { class: "empty" }, "Loading…")]);
  const { state } = workspace;
  patchChildren(at("sidebar"), nodes(sidebar({ state, place: shown.place, switchUser, openDirect }, ctx)));
  scrolling.keep(() => patchChildren(at("main"), nodes(mainView(state))));
  const channel = ctx.channel(shown.place.channel);
  const thread = shown.thread && channel && threadView({ channel, parent: shown.thread, messages: workspace.messages, surfaces, close: closeThread }, ctx);
  patchChildren(at("side"), nodes([thread]));
  drawModal(at("modal"), state.modals ?? [], surfaces, ctx);
  document.title = titleFor(state, channel);
}

function nodes(list) {
  return [...append(document.createDocumentFragment(), [list]).childNodes];
}

function mainView(state) {
  const common = { surfaces, showMenu, status: statusLine() };
  const app = ctx.apps().find(({ id }) => id === shown.place.app);
  if (app) return homeView({ ...common, app, view: state.home?.[app.id], openMessages: () => openDirect(app.bot_user) }, ctx);
  const channel = ctx.channel(shown.place.channel);
  if (!channel) return nothingView(showMenu, common.status);
  const { newFrom } = shown;
  return channelView({ ...common, channel, messages: workspace.messages, newFrom, openThread, openDirect, join, jumpTo, composer: composerFor(channel) }, ctx);
}

function composerFor(channel) {
  const arrived = async (path, text) => {
    const answer = await actions.tell(path, { channel: channel.id, text });
    if (answer) await refresh();
    return answer?.ok ?? false;
  };
  return composer({ key: `composer-${ctx.me}-${channel.id}`, title: titleOf(channel, ctx), drafts, commands: () => workspace.state.commands ?? [],
    send: (text) => arrived("post", text), command: (text) => arrived("command", text) }, ctx);
}

function statusLine() {
  return workspace.connected ? null : h("p", { class: "status", role: "status", key: "status" }, "The workspace does not answer: reconnecting…");
}

function titleFor(state, channel) {
  const unread = state.channels.reduce((sum, each) => sum + (Number(each.unread) || 0), 0);
  const name = channel ? titleOf(channel, ctx) : (ctx.apps().find(({ id }) => id === shown.place.app)?.name ?? "");
  return `${unread ? `(${unread}) ` : ""}${name ? `${name} · ` : ""}${state.team.name}`;
}

function switchUser(user) {
  goTo({ user, channel: shown.place.channel, app: shown.place.app });
}

async function openDirect(person) {
  const answer = await actions.tell("open_im", { with: person });
  if (!answer?.ok) return;
  const state = await get("state", { user: ctx.me });
  const channel = answer.channel?.id ?? answer.channel ?? state.channels.find((each) => each.is_im && each.im_user === person)?.id;
  if (channel) goTo({ user: ctx.me, channel });
}

async function join(channel) {
  await actions.tell("join", { channel });
  await refresh();
}

function openThread(ts) {
  shown.thread = ts;
  redraw();
  at("side").querySelector("button")?.focus();
}

function closeThread() {
  const opener = document.querySelector(`[id="message-${shown.thread}"] .thread-link`);
  shown.thread = null;
  redraw();
  opener?.focus();
}

function jumpTo(ts) {
  const message = document.getElementById(`message-${ts}`);
  message?.scrollIntoView({ block: "center" });
  message?.focus();
}

function showMenu() {
  const open = document.body.classList.toggle("drawer-open");
  if (open) (at("sidebar").querySelector("[aria-current]") ?? at("sidebar").querySelector("a"))?.focus();
}

function hideMenu() {
  document.body.classList.remove("drawer-open");
  document.querySelector(".drawer-toggle")?.focus();
}

// Alt with up or down goes to the channel above or below, as in Slack.
function onKey(event) {
  if (event.key === "Escape" && document.body.classList.contains("drawer-open")) hideMenu();
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const places = [...document.querySelectorAll("#sidebar .place")];
  const now = places.findIndex((place) => place.hasAttribute("aria-current"));
  event.preventDefault();
  places[now + (event.key === "ArrowDown" ? 1 : -1)]?.click();
}

function skipToMessages(event) {
  event.preventDefault(); // the fragment of the address is the place, not an element
  at("main").querySelector("#scroller")?.focus();
}

at("skip").addEventListener("click", skipToMessages);
addEventListener("hashchange", refresh);
addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => workspace.state && markRead());
at("veil").addEventListener("click", hideMenu);
redraw();
refresh();
