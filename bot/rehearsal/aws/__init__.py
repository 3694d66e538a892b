"""An AWS on this machine: moto, and what moto leaves out. Start with `emulator.py`."""
