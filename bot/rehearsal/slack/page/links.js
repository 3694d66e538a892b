// Addresses that others wrote: which of them may be followed, and which pictures may be loaded.

import { h } from "./element.js";

const FOLLOWED = new Set(["http:", "https:", "mailto:", "tel:", "slack:"]);
const HERE = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** The address if it is one a link may have, else null: `javascript:` and its kin never become a link. */
export function followable(address) {
  try {
    return FOLLOWED.has(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}

export function link(address, ...label) {
  const href = followable(address);
  if (!href) return h("span", { class: "dead-link", title: "This address cannot be followed" }, ...label);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...label);
}

/** A picture. One that lies on another machine is shown as a link: this page works without any network. */
export function picture(address, description, className) {
  const alt = description ?? "";
  if (isLocal(address)) return h("img", { src: address, alt, class: className, loading: "lazy" });
  const label = alt || "image";
  return h("span", { class: `${className} far-picture` }, followable(address) ? link(address, label) : label);
}

function isLocal(address) {
  try {
    const url = new URL(address, location.href);
    return /^data:image\//.test(address) || url.origin === location.origin || HERE.has(url.hostname);
  } catch {
    return false;
  }
}
