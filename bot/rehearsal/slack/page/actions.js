// What a person does on a message or a view: press, choose, type, send, close.

import { readPlace } from "./place.js";
import { confirmed } from "./popup.js";
import { Unreachable, post } from "./server.js";
import { nameOfValue, problemsIn } from "./values.js";

const TYPING_PAUSE_MS = 300;

/** `page` brings workspace, refresh(), redraw() and notice(text). */
export function actionsFor(page) {
  const waiting = new Set();
  const timers = new Map();

  /** Send to the server; say what went wrong where the person sees it. Null when nothing arrived. */
  async function tell(path, body) {
    try {
      const user = readPlace().user ?? page.workspace.state.me; // whom the person chose last, drawn already or not
      const answer = await post(path, { user, ...body });
      if (answer.notice) page.notice(answer.notice);
      else if (!answer.ok && !answer.errors) page.notice(answer.error ? `That did not work: ${answer.error}` : "That did not work.");
      return answer;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      page.notice("The workspace cannot be reached just now. Try again in a moment.");
      return null;
    }
  }

  async function press(surface, block, element, payload) {
    const key = keyOf(surface, block, element);
    if (waiting.has(key) || !(await confirmed(element.confirm, page.ctx.text))) return false;
    waiting.add(key);
    page.redraw();
    await tell("click", { ...targetOf(surface), block_id: block.block_id, action_id: element.action_id, type: element.type, ...payload,
      state: { values: surface.values.collect(surface.blocks) } });
    waiting.delete(key);
    await page.refresh();
    return true;
  }

  /** A new value of a field; the app hears of it unless the field only belongs to a form. */
  async function change(surface, block, element, value) {
    const before = surface.values.get(block.block_id, element);
    enter(surface, block, element, value);
    if (block.type === "input" && !block.dispatch_action) return page.redraw();
    const sent = await press(surface, block, element, { [nameOfValue(element)]: value });
    if (!sent) surface.values.set(block.block_id, element, before);
    return page.redraw();
  }

  function enter(surface, block, element, value) {
    surface.values.set(block.block_id, element, value);
    if (surface.errors?.[block.block_id]) {
      delete surface.errors[block.block_id];
      page.redraw();
    }
    const asks = element.dispatch_action_config?.trigger_actions_on ?? [];
    if (!block.dispatch_action || !asks.includes("on_character_entered")) return;
    const key = keyOf(surface, block, element);
    clearTimeout(timers.get(key));
    timers.set(key, setTimeout(() => dispatchText(surface, block, element), TYPING_PAUSE_MS));
  }

  function dispatchText(surface, block, element) {
    return press(surface, block, element, { [nameOfValue(element)]: surface.values.get(block.block_id, element) });
  }

  async function options(surface, block, element, typed) {
    const answer = await tell("options", { ...targetOf(surface), block_id: block.block_id, action_id: element.action_id, value: typed });
    return answer ?? { options: [] };
  }

  async function submit(surface) {
    surface.errors = problemsIn(surface.blocks, surface.values);
    if (Object.keys(surface.errors).length || surface.sending) return page.redraw();
    surface.sending = true;
    page.redraw();
    const answer = await tell("submit", { view_id: surface.view_id, state: { values: surface.values.collect(surface.blocks) } });
    surface.sending = false;
    surface.errors = answer?.errors ?? {};
    const strays = Object.entries(surface.errors).filter(([id]) => !surface.blocks.some((block) => block.block_id === id));
    if (strays.length) page.notice(strays.map(([id, text]) => `${id}: ${text}`).join("\n"));
    return page.refresh();
  }

  async function close(surface, all = false) {
    await tell("close", { view_id: surface.view_id, ...(all ? { all } : {}) });
    return page.refresh();
  }

  const isWaiting = (surface, block, element) => waiting.has(keyOf(surface, block, element));
  return { tell, press, change, enter, dispatchText, options, submit, close, isWaiting };
}

function keyOf(surface, block, element) {
  return `${surface.key}\n${block.block_id}\n${element.action_id}`;
}

function targetOf({ view_id: viewId, channel, ts }) {
  return viewId ? { view_id: viewId } : { channel, ts };
}
