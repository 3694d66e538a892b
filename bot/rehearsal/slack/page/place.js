// Where the person is, kept in the address (#user=U1&channel=C1), so that reload, back and bookmarks work.

export function readPlace() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const read = (name) => fragment.get(name) ?? query.get(name);
  return { user: read("user"), channel: read("channel"), app: read("app") };
}

export function addressOf({ user, channel, app }) {
  const parts = Object.entries({ user, channel, app }).filter(([, value]) => value);
  return `#${new URLSearchParams(parts)}`;
}

export function goTo(place) {
  location.hash = addressOf(place);
}

/** Put a place that we chose for the person into the address without a new entry in the history. */
export function settle(place) {
  const address = addressOf(place);
  if (location.hash !== address) history.replaceState(null, "", address);
}
