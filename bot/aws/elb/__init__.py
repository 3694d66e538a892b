"""Load balancers that have not opted in to zonal shift: their subnets are taken out of a zone, and given back.

Where each name is:
    leave_zone.py  elb.leave_zone    return_to_zone.py  elb.return_to_zone    subnets.py  what both ask
"""
