// Where the list of messages stands: at its end it follows new messages, elsewhere it stays where the reader is.

const NEAR_END_PX = 60;

export function followMessages(main, button) {
  let toEnd = true;
  let seenHeight = 0;

  const scroller = () => main.querySelector("#scroller");
  const atEnd = (node) => node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_END_PX;

  function anchorOf(node) {
    const top = node.getBoundingClientRect().top;
    const item = [...node.querySelectorAll(".message")].find((each) => each.getBoundingClientRect().bottom > top);
    return item && { item, top: item.getBoundingClientRect().top };
  }

  /** Draw, and leave the reader looking at the same message at the same height. */
  function keep(draw) {
    const before = scroller();
    const follows = toEnd || !before || atEnd(before);
    const anchor = before && !follows ? anchorOf(before) : null;
    draw();
    const now = scroller();
    if (!now) return;
    const isMessages = !now.classList.contains("home");
    if (follows && isMessages) now.scrollTop = now.scrollHeight;
    else if (anchor?.item.isConnected) now.scrollTop += anchor.item.getBoundingClientRect().top - anchor.top;
    button.hidden = follows || !isMessages || (now.scrollHeight <= seenHeight && button.hidden) || atEnd(now);
    seenHeight = now.scrollHeight;
    toEnd = false;
    now.onscroll = () => atEnd(now) && (button.hidden = true);
  }

  button.addEventListener("click", () => {
    const node = scroller();
    node.scrollTop = node.scrollHeight;
    button.hidden = true;
    node.focus();
  });

  return { keep, startAtEnd: () => (toEnd = true) };
}
