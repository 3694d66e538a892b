// Talking to the server: JSON both ways, and a stream of events that says what to look at again.

export class Unreachable extends Error {}
export class Missing extends Unreachable {}

const RECONNECT_MS = 1000;

export async function get(path, query) {
  return answer(fetch(`/ui/${path}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } }));
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(fetch(`/ui/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    throw new Unreachable("the server does not answer", { cause: error });
  }
  if (response.status === 404) throw new Missing("the server does not know what was asked for");
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Unreachable(`the server answered ${response.status} without JSON`, { cause: error });
  }
}

/**
 * Listen for events for one person until the returned function is called. `onState` hears "open" and "lost"; a lost
 * stream is opened again every second, by us: a browser gives up for good after an HTTP error.
 */
export function listen(user, onEvent, onState) {
  let source;
  let timer;
  let stopped = false;
  function open() {
    source = new EventSource(`/ui/events?${new URLSearchParams({ user })}`);
    source.onopen = () => onState("open");
    source.onmessage = ({ data }) => onEvent(JSON.parse(data));
    source.onerror = () => {
      source.close();
      if (stopped) return;
      onState("lost");
      timer = setTimeout(open, RECONNECT_MS);
    };
  }
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source.close();
  };
}
