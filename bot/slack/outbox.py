"""Messages that we own in Slack: each exists at most once, and shows the latest state.

Slack has no idempotency key. So a row is written before a message is posted, and the post carries the row's key in its
metadata: after a lost answer, or a crash between the post and its row, we look for the key in the channel first.

Two jobs may draw one message at the same time, here or in another replica. Only one of them may post it (`_claim`), and
whoever has drawn looks at the state once more afterwards: so the last edit always shows the latest state.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from bot.errors import N_, Unavailable, phrase
from bot.incident.posted import Posted, SlackStore, SlackTx
from bot.slack.blocks import Message
from bot.slack.client import TIMEOUT, Slack, SlackRefused

log = structlog.get_logger()

#: Draws a message from the state of a transaction; None: there is nothing to show any more.
Draw = Callable[[SlackTx], Awaitable[Message | None]]

EVENT_TYPE = "lifeboat"
#: Until then another process may still be waiting for the answer to its post.
_IN_FLIGHT = timedelta(seconds=TIMEOUT + 1)
_PAGES_OF_HISTORY = 3
#: Slack's words for blocks that it does not take: a defect of ours, which must not keep the text from people.
_BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})


class Outbox:
    """Posts and edits. A key names one message, such as `card:<incident>`."""

    def __init__(self, store: SlackStore, slack: Slack) -> None:
        self.store, self.slack = store, slack
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def post(self, key: str, channel: str, message: Message, *, again: bool = False) -> Posted:
        """Post a message once. `again`: an earlier try may have gone out, even if its row was lost with the database.

        Raises `Unavailable` (nobody knows whether it went out; the next try looks) and `SlackRefused`.
        """
        async with self._lock(key):
            posted, known = await self._claim(key, channel)
            if posted.ts:
                return posted
            return await self._bring(posted, message, look=known or again)

    async def draw(self, key: str, channel: str, draw: Draw) -> bool:
        """Let the message show what `draw` returns; True when it was posted just now, False when it was there before.

        A message that people deleted is posted anew.
        """
        async with self._lock(key):
            posted, known = await self._claim(key, channel)
            if posted.ts is None:
                return await self._bring_state(posted, draw, look=known)
            try:
                await self._follow(posted, draw)
            except SlackRefused as refused:
                if refused.code != "message_not_found":
                    raise
                return await self._bring_state(replace(posted, ts=None), draw, look=False)
            return False

    async def redraw(self, key: str, draw: Draw) -> None:
        """Like `draw`, for a message that is there already; one that was never posted, or deleted, is left alone."""
        async with self._lock(key):
            async with self.store.begin() as tx:
                posted = await tx.messages.get(key)
            ts = (posted.ts or await self._find(posted)) if posted else None
            if posted is None or ts is None:
                return
            try:
                await self._follow(replace(posted, ts=ts), draw)
            except SlackRefused as refused:
                if refused.code != "message_not_found":
                    raise

    async def _bring_state(self, posted: Posted, draw: Draw, *, look: bool) -> bool:
        message = await self._state(draw)
        if message is None:
            await self._give_up_claim(posted)
            return False
        await self._follow(await self._bring(posted, message, look=look), draw)
        return True

    async def _follow(self, posted: Posted, draw: Draw) -> None:
        """Edit until the message shows the state: it may have changed while Slack was busy with the edit before."""
        shown, latest = posted.digest, await self._state(draw)
        while latest is not None and _digest(latest) != shown:
            await self._send("chat.update", posted.channel, latest, ts=posted.ts)
            shown = _digest(latest)
            async with self.store.begin() as tx:
                await tx.messages.put(replace(posted, digest=shown))
                latest = await draw(tx)

    async def _state(self, draw: Draw) -> Message | None:
        async with self.store.begin() as tx:
            return await draw(tx)

    async def _claim(self, key: str, channel: str) -> tuple[Posted, bool]:
        """The message's row, and whether it was there. Without a `ts` in it, the caller alone may post it now.

        Raises `Unavailable` while another process is posting it.
        """
        async with self.store.begin() as tx:
            posted = await tx.messages.get(key)
            if posted and posted.ts and posted.channel == channel:
                return posted, True
            number = 1
            if posted and posted.channel == channel and (claim := _claimed(posted.digest)):
                number, at = claim
                if tx.now < at + _IN_FLIGHT:
                    raise _being_posted(at + _IN_FLIGHT - tx.now)
                number += 1
            # The insert decides between two processes that both saw the row as it was: the row itself is not locked.
            if not await tx.notes.first_time(f"post:{key}:{channel}:{number}"):
                raise _being_posted(timedelta(seconds=1))
            mine = Posted(key, channel, None, f"{_CLAIM} {number} {tx.now.isoformat()}")
            await tx.messages.put(mine)
            return mine, posted is not None and posted.channel == channel

    async def _bring(self, posted: Posted, message: Message, *, look: bool) -> Posted:
        """Post the message, or find it where an earlier try has posted it."""
        try:
            ts = await self._find(posted) if look else None
            digest = ""
            if ts is None:
                marker = {"event_type": EVENT_TYPE, "event_payload": {"key": posted.key}}
                said = await self._send("chat.postMessage", posted.channel, message, metadata=marker)
                ts, digest = str(said["ts"]), _digest(message)
        except (Unavailable, SlackRefused):
            await self._give_up_claim(posted)
            raise
        found = replace(posted, ts=ts, digest=digest)
        await self._remember(found)
        return found

    async def _give_up_claim(self, posted: Posted) -> None:
        """We are not waiting for Slack any more, so whoever tries next need not wait for us."""
        if claim := _claimed(posted.digest):
            long_ago = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
            await self._remember(replace(posted, digest=f"{_CLAIM} {claim[0]} {long_ago.isoformat()}"))

    async def _remember(self, posted: Posted) -> None:
        async with self.store.begin() as tx:
            await tx.messages.put(posted)

    async def _find(self, posted: Posted) -> str | None:
        """The `ts` of the post that carries our key, among the latest of its channel."""
        cursor = ""
        for _ in range(_PAGES_OF_HISTORY):
            try:
                page = await self.slack.call(
                    "conversations.history", channel=posted.channel, include_all_metadata=True, limit=200,
                    cursor=cursor or None,
                )  # fmt: skip
            except SlackRefused as refused:
                if refused.code not in {"missing_scope", "not_in_channel"}:
                    raise
                # Twice is better than never, and the manifest asks for the scope: say it and post.
                log.warning("outbox.cannot_look", key=posted.key, code=refused.code)
                return None
            for message in page.get("messages", ()):
                marker = message.get("metadata") or {}
                if marker.get("event_type") == EVENT_TYPE and marker.get("event_payload") == {"key": posted.key}:
                    return str(message["ts"])
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return None
        return None

    async def _send(self, method: str, channel: str, message: Message, **more: Any) -> Mapping[str, Any]:
        """Send with blocks, or with the text alone when Slack does not take the blocks."""
        args: dict[str, Any] = {"channel": channel, "text": message.text, **more}
        if method == "chat.postMessage":
            args |= {"unfurl_links": False, "unfurl_media": False}
        try:
            return await self._joined(method, {**args, "blocks": message.blocks})
        except SlackRefused as refused:
            if refused.code not in _BAD_BLOCKS:
                raise
            problems = refused.answer.get("response_metadata", {}).get("messages")
            log.error(  # noqa: TRY400  # the problems say it all; a traceback would not add to them
                "outbox.blocks_refused", method=method, code=refused.code, problems=problems
            )
            return await self._joined(method, {**args, "blocks": []})

    async def _joined(self, method: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """A public channel that we are not in (the fallback channel, or somebody removed us) is joined first."""
        try:
            return await self.slack.call(method, **args)
        except SlackRefused as refused:
            if refused.code != "not_in_channel":
                raise
            await self.slack.call("conversations.join", channel=args["channel"])
            return await self.slack.call(method, **args)

    def _lock(self, key: str) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock


_CLAIM = "posting"


def _claimed(digest: str) -> tuple[int, datetime] | None:
    """Which attempt to post a row stands for, and when it began."""
    match digest.split(" "):
        case [word, number, at] if word == _CLAIM:
            return int(number), datetime.fromisoformat(at)
    return None


def _being_posted(wait: timedelta) -> Unavailable:
    what = phrase(N_("This message is being posted by another process right now."))
    return Unavailable(what, retry_after=max(0.1, wait.total_seconds()))


def _digest(message: Message) -> str:
    content = json.dumps([message.text, message.blocks], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()
