// A surface is a place that shows blocks and holds what a person enters there: a message, a modal, an App Home.

import { Values } from "./values.js";

export class Surfaces {
  #known = new Map();

  message(channel, message) {
    const surface = this.#of(`${channel}-${message.ts}`, { kind: "message", channel, ts: message.ts, blocks: blocksOf(message) });
    surface.values.known = message.state?.values ?? message.state ?? {};
    return surface;
  }

  view(view, kind) {
    const surface = this.#of(view.id, { kind, view_id: view.id, blocks: view.blocks ?? [] }, { keepEdits: kind === "modal" });
    surface.values.known = view.state?.values ?? {};
    return surface;
  }

  /** Forget what was entered in modals that are gone. */
  keepModals(views) {
    const open = new Set(views.map(({ id }) => id));
    for (const [key, surface] of this.#known) if (surface.kind === "modal" && !open.has(key)) this.#known.delete(key);
  }

  forgetAll() {
    this.#known.clear();
  }

  #of(key, facts, options) {
    if (!this.#known.has(key)) this.#known.set(key, { key, values: new Values(options), errors: {} });
    return Object.assign(this.#known.get(key), facts);
  }
}

function blocksOf({ blocks, attachments }) {
  return [...(blocks ?? []), ...(attachments ?? []).flatMap((attachment) => attachment.blocks ?? [])];
}
