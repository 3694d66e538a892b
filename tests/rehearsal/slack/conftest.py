"""A running local Slack, its Web API over plain HTTP, and the hello-world app over signed HTTP."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

from bot.rehearsal.slack import Clock, LocalSlack
from tests.rehearsal.slack.hello import Api, HelloApp, hello_app, manifest, served, workspace


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(workspace(), rate_limits=None, clock=Clock()) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def api(slack: LocalSlack, session: aiohttp.ClientSession) -> Api:
    return Api(slack, slack.install(manifest()), session)


@pytest.fixture
async def hello(slack: LocalSlack) -> AsyncIterator[HelloApp]:
    """The hello app over signed HTTP."""
    async with AsyncExitStack() as stack:
        running: list[HelloApp] = []

        async def handle(request: web.Request) -> web.Response:
            number = request.headers.get("X-Slack-Retry-Num")
            if number:
                running[0].retries.append((number, request.headers["X-Slack-Retry-Reason"]))
            return await to_aiohttp_response(await running[0].bolt.async_dispatch(await to_bolt_request(request)))

        url = await stack.enter_async_context(served(handle))
        installed = slack.install(manifest(), url)
        running.append(hello_app(slack, installed))
        yield running[0]
