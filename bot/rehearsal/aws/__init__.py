"""An AWS on this machine: moto, and what moto leaves out. Start with `emulator.py`."""

import os

from bot.rehearsal.aws import service_models

# Both cost seconds and a hundred megabytes, so they are settled before moto is imported.
service_models.share()
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
