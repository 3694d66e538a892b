// Block Kit: one function for each kind of block. A kind that is not in the table is named on the page.

import { h, svg } from "./element.js";
import { interactive } from "./elements.js";
import { idOf } from "./fields.js";
import { ICONS } from "./icons.js";
import { link, picture } from "./links.js";
import { markdown } from "./markdown.js";
import { richText } from "./rich_text.js";

/** Nodes for a list of blocks on one surface (a message or a view). */
export function blocks(list, surface, ctx) {
  return (list ?? []).map((block, at) => one(block, surface, ctx, at));
}

function one(block, surface, ctx, at) {
  const draw = BLOCKS[block.type];
  const node = draw ? draw(block, surface, ctx) : ctx.unsupported(block.type);
  return h("div", { class: `block block-${kindOf(block)}`, key: block.block_id ?? `${block.type}-${at}`, "data-block": block.block_id }, node);
}

function kindOf({ type }) {
  return type in BLOCKS ? type : "unknown";
}

const BLOCKS = {
  header: ({ text }, surface, ctx) => h("h3", { class: "header" }, ctx.text(text)),
  section,
  divider: () => h("hr"),
  context: ({ elements }, surface, ctx) => h("div", { class: "context" }, (elements ?? []).map((element) => contextual(element, ctx))),
  actions: pressable,
  context_actions: pressable,
  input,
  image,
  rich_text: (block, surface, ctx) => richText(block, ctx),
  markdown: ({ text }) => markdown(text),
  table,
  video,
  file: ({ external_id: id, source }) => h("div", { class: "attached" }, `File ${id ?? ""} (${source ?? "remote"})`),
  call: ({ call }) => h("div", { class: "attached" }, call?.v1?.join_url ? link(call.v1.join_url, call.v1.name ?? "Join the call") : "Call"),
  alert: ({ text, level }, surface, ctx) =>
    h("div", { class: `alert alert-${/^(info|warning|error|success)$/.test(level) ? level : "default"}`, role: "note" }, svg(ICONS.warning), h("div", {}, textOrString(text, ctx))),
  card,
  carousel: ({ elements }, surface, ctx) =>
    h("div", { class: "carousel", tabindex: "0", role: "group", "aria-label": "Cards" }, (elements ?? []).map((each) => card(each, surface, ctx))),
  container,
  task_card: task,
  plan: ({ title, tasks }, surface, ctx) => h("div", { class: "plan" }, h("strong", {}, textOrString(title, ctx)), (tasks ?? []).map((each) => task(each, surface, ctx))),
  auth_provider: provider,
};

function textOrString(text, ctx) {
  return ctx.text(typeof text === "string" ? { type: "plain_text", text } : text);
}

function section(block, surface, ctx) {
  const { text, fields, accessory } = block;
  const body = h("div", { class: "section-body" },
    text && h("div", { class: "text" }, ctx.text(text)),
    fields && h("div", { class: "fields" }, fields.map((each) => h("div", { class: "text" }, ctx.text(each)))));
  const names = { "aria-label": text ? ctx.plain(text.text) : "Choose" };
  return h("div", { class: "section" }, body, accessory && h("div", { class: "accessory" }, interactive(accessory, block, surface, ctx, names)));
}

function contextual(element, ctx) {
  if (element.type === "image") return picture(element.image_url ?? element.slack_file?.url, element.alt_text, "tiny");
  if (element.type === "mrkdwn" || element.type === "plain_text") return h("span", { class: "text" }, ctx.text(element));
  return ctx.unsupported(element.type);
}

function pressable(block, surface, ctx) {
  return h("div", { class: "row" }, (block.elements ?? []).map((element) => interactive(element, block, surface, ctx)));
}

function input(block, surface, ctx) {
  const { element = {}, label, hint, optional, block_id: blockId } = block;
  const id = idOf(surface, block, element);
  const error = surface.errors?.[blockId];
  const names = { "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-hint ${id}-error`, "aria-required": optional ? null : "true" };
  return h("div", { class: error ? "input invalid" : "input" },
    h("label", { id: `${id}-label`, for: id, class: "label" }, ctx.text(label), optional && h("span", { class: "optional" }, " (optional)")),
    interactive(element, block, surface, ctx, names),
    h("p", { id: `${id}-error`, key: "error", class: "field-error" }, error && [svg(ICONS.warning), h("span", {}, error)]),
    hint && h("p", { id: `${id}-hint`, key: "hint", class: "hint" }, ctx.text(hint)));
}

function image({ title, image_url: address, slack_file: file, alt_text: alt }, surface, ctx) {
  return h("figure", { class: "image" }, title && h("figcaption", {}, ctx.text(title)), picture(address ?? file?.url, alt, "picture"));
}

function table({ rows = [], column_settings: settings = [] }, surface, ctx) {
  const cell = (tag) => (content, at) => {
    const { align, is_wrapped: wrapped } = settings?.[at] ?? {};
    const side = ["left", "center", "right"].includes(align) ? align : content.type === "raw_number" ? "right" : "left";
    const inner = content.type === "rich_text" ? richText(content, ctx) : "text" in content ? String(content.text) : ctx.unsupported(content.type);
    return h(tag, { class: `align-${side}${wrapped ? " wrapped" : ""}`, scope: tag === "th" ? "col" : null }, inner);
  };
  const [head = [], ...rest] = rows;
  const body = rest.map((row) => h("tr", {}, row.map(cell("td"))));
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, h("tr", {}, head.map(cell("th")))), h("tbody", {}, body)));
}

function video({ title, title_url: titleAddress, video_url: address, thumbnail_url: thumb, alt_text: alt, description, author_name: author, provider_name: maker }, surface, ctx) {
  return h("div", { class: "attached" },
    h("strong", {}, link(titleAddress ?? address, ctx.text(title))),
    (author || maker) && h("div", { class: "muted" }, [author, maker].filter(Boolean).join(" · ")),
    description && h("div", {}, ctx.text(description)),
    thumb && picture(thumb, alt, "picture"));
}

function card(block, surface, ctx) {
  const { hero_image: hero, icon, title, subtitle, body, actions } = block;
  return h("div", { class: "card" },
    hero && picture(hero.image_url, hero.alt_text, "picture"),
    h("div", { class: "card-head" }, icon && picture(icon.image_url, icon.alt_text, "tiny"),
      h("div", {}, title && h("strong", {}, textOrString(title, ctx)), subtitle && h("div", { class: "muted" }, textOrString(subtitle, ctx)))),
    body && h("div", { class: "text" }, textOrString(body, ctx)),
    actions && h("div", { class: "row" }, actions.map((element) => interactive(element, block, surface, ctx))));
}

function container(block, surface, ctx) {
  const { title, rich_text_title: rich, subtitle, icon, child_blocks: children, is_collapsible: folds, default_collapsed: folded } = block;
  const head = [icon && picture(icon.image_url, icon.alt_text, "tiny"),
    h("div", {}, h("strong", {}, rich ? richText(rich, ctx) : textOrString(title, ctx)), subtitle && h("div", { class: "muted" }, textOrString(subtitle, ctx)))];
  const body = h("div", { class: "container-body" }, blocks(children, surface, ctx));
  if (!folds) return h("div", { class: "container" }, h("div", { class: "card-head" }, head), body);
  return h("details", { class: "container", open: !folded }, h("summary", {}, head), body);
}

const TASKS = { pending: "○", in_progress: "◐", complete: "✓", error: "✕" };

function task({ title, status, details, output, sources }, surface, ctx) {
  return h("div", { class: "task-card" },
    h("span", { class: `task-mark task-${status in TASKS ? status : "pending"}`, role: "img", "aria-label": String(status).replace("_", " ") }, TASKS[status] ?? "○"),
    h("div", {}, h("div", {}, textOrString(title, ctx)), details && richText(details, ctx), output && richText(output, ctx),
      (sources ?? []).map((source) => h("div", { class: "muted" }, link(source.url, source.text)))));
}

function provider(block, surface, ctx) {
  const { name, description, is_connected: connected, auth_url: connect, disconnect_url: leave, connected_identity: identity, accessory } = block;
  return h("div", { class: "section card" },
    h("div", { class: "section-body" }, h("strong", {}, textOrString(name, ctx)), description && h("div", { class: "muted" }, ctx.text(description)),
      connected && identity && h("div", { class: "muted" }, ctx.text(identity))),
    h("div", { class: "accessory row" }, !connected && connect && link(connect, "Connect"), connected && leave && link(leave, "Disconnect"),
      connected && accessory && interactive(accessory, block, surface, ctx)));
}
