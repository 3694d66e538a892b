"""A load balancer's listeners and rules: where their requests go. It takes seconds.

shift.py    all of the traffic from one target group to another: blue and green, or a copy that stands by
page.py     a page that says that the service is away for a while
restore.py  what was there before
rules.py    naming, reading and writing what a listener or a rule does
"""
