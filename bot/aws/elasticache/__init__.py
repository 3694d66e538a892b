"""ElastiCache: promote a replica, change the region that writes.

Where each name is:
    promote.py          elasticache.promote_replica    chosen.py   elasticache.can_promote, and which replica
    global_failover.py  elasticache.failover_global    group.py    what these ask of AWS
"""
