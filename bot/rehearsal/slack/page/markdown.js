// The markdown block: ordinary Markdown, the part of it that Slack draws.

import { h } from "./element.js";
import { withEmoji } from "./emoji.js";
import { link, picture } from "./links.js";

const INLINE = /(`+)(.+?)\1|!\[([^\]]*)\]\(([^)\s]+)\)|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|\*(\S(?:.*?\S)?)\*|(?<![\p{L}\p{N}])_(\S(?:.*?\S)?)_(?![\p{L}\p{N}])|<?(https?:\/\/[^\s<>)]+)>?|\\([\\`*_~[\]#>-])/u;
const FENCE = /^```/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/;
const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const TASK = /^\[([ xX])\]\s+(.*)$/;
const TABLE_RULE = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;

export function markdown(text) {
  const lines = (text ?? "").split("\n");
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const [node, next] = paragraphAt(lines, at);
    if (node) nodes.push(node);
    at = next;
  }
  return h("div", { class: "markdown" }, nodes);
}

function paragraphAt(lines, at) {
  const line = lines[at];
  const heading = HEADING.exec(line);
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return fence(lines, at);
  // The page has its own headings above these: level 1 of a message is level 4 of the page.
  if (heading) return [h("div", { class: `heading-${heading[1].length}`, role: "heading", "aria-level": Math.min(heading[1].length + 3, 6) }, inline(heading[2])), at + 1];
  if (RULE.test(line.trim())) return [h("hr"), at + 1];
  if (line.startsWith(">")) return gather(lines, at, (each) => each.startsWith(">"), (found) => h("blockquote", {}, broken(found.map((each) => each.replace(/^>\s?/, "")))));
  if (ITEM.test(line)) return gather(lines, at, (each) => ITEM.test(each) || /^\s+\S/.test(each), list);
  if (line.includes("|") && TABLE_RULE.test(lines[at + 1]?.trim() ?? "")) return gather(lines, at, (each) => each.includes("|"), table);
  return gather(lines, at, plain, (found) => h("p", {}, broken(found)));
}

function plain(line) {
  return line.trim() && !FENCE.test(line) && !HEADING.test(line) && !line.startsWith(">") && !ITEM.test(line) && !RULE.test(line.trim());
}

function gather(lines, at, belongs, build) {
  let end = at + 1;
  while (end < lines.length && belongs(lines[end])) end += 1;
  return [build(lines.slice(at, end)), end];
}

function fence(lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  return [h("pre", {}, h("code", {}, lines.slice(at + 1, end).join("\n"))), end + 1];
}

function list(lines) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found && found[1].length <= indent.length) items.push({ text: found[3], inner: [] });
    else items.at(-1).inner.push(line);
  }
  return h(/\d/.test(mark) ? "ol" : "ul", {}, items.map(item));
}

function item({ text, inner }) {
  const task = TASK.exec(text);
  const label = task ? [h("input", { type: "checkbox", disabled: true, checked: task[1] !== " ", "aria-label": task[2] }), " ", inline(task[2])] : inline(text);
  const nested = inner.length && ITEM.test(inner[0]) ? list(inner) : broken(inner.map((line) => line.trim()));
  return h("li", { class: task && "task" }, label, inner.length && !ITEM.test(inner[0]) ? h("br") : null, nested);
}

function table([head, , ...rows]) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
  const body = rows.map((row) => h("tr", {}, cells(row).map((cell) => h("td", {}, cell))));
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, h("tr", {}, cells(head).map((cell) => h("th", { scope: "col" }, cell)))), h("tbody", {}, body)));
}

function broken(lines) {
  return lines.flatMap((line, at) => [...(at ? [h("br")] : []), ...inline(line)]);
}

function inline(text) {
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    nodes.push(...withEmoji(rest.slice(0, found.index)), span(found));
    rest = rest.slice(found.index + found[0].length);
  }
  return [...nodes, ...withEmoji(rest)];
}

function span([, , code, alt, source, label, address, bold, bold2, struck, italic, italic2, bare, literal]) {
  if (code !== undefined) return h("code", {}, code);
  if (source !== undefined) return picture(source, alt, "picture");
  if (address !== undefined) return link(address, ...inline(label));
  if (bare !== undefined) return link(bare, bare);
  if (literal !== undefined) return literal;
  if (struck !== undefined) return h("s", {}, inline(struck));
  return bold ?? bold2 ? h("strong", {}, inline(bold ?? bold2)) : h("em", {}, inline(italic ?? italic2));
}
