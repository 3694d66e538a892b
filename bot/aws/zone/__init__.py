"""A zone in trouble: is it one zone, and can its load balancers do without it?

Where each name is:
    assess.py     zone.assess      what the figures say: figures.py reads them, verdict.py judges
    can_shift.py  zone.can_shift   may the traffic be shifted? obstacles.py: why not
    empty.py      zone.empty     is nothing of ours there any more?
    healthy.py    zone.healthy   may traffic come back?
    find.py       zones and load balancers by their names    health.py  targets by zone
"""
