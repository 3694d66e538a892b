"""The one bounded thread pool for blocking calls (boto3); nothing blocking ever runs on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class ThreadPool:
    """`await pool(lambda: client.describe_table(...))`."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lifeboat-aws")

    async def __call__(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Wait for nobody: what still runs is found again by looking."""
        self._threads.shutdown(wait=False, cancel_futures=True)
