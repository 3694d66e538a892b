"""ARC zonal shift: keep the traffic of a load balancer away from a zone, for a while, and bring it back.

It moves traffic, not tasks: DNS answers leave the zone out within seconds, clients follow within minutes. A shift ends by
itself (`expires_in`), unless it is renewed. StartZonalShift takes no token, but a load balancer has at most one shift, so
looking is enough. A shift of ours outranks AWS's own autoshift.

Where each name is:
    start.py   zonal_shift.start     extend.py  zonal_shift.extend    lasting.py  how one is renewed before it ends
    cancel.py  zonal_shift.cancel    shifts.py  what all of them ask
"""
