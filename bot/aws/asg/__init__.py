"""EC2 Auto Scaling groups: their instances leave a zone, and come back.

Where each name is:
    leave_zone.py  asg.leave_zone    return_to_zone.py  asg.return_to_zone    group.py  what both ask
"""
