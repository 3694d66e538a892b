"""`python -m bot.cli` is `lifeboat`."""

from bot.cli import main

main()
