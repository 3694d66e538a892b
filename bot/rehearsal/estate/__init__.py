"""The shop of the rehearsals, in two regions: one module for each kind of thing that it consists of.

    estate = Estate(aws)
    await asyncio.to_thread(estate.build)
    estate.config()        # lifeboat.yaml, as values

`names.py` has every name, `estate.py` the order in which things are laid down.
"""

from bot.rehearsal.estate.estate import Estate
from bot.rehearsal.estate.site import Site

__all__ = ["Estate", "Site"]
