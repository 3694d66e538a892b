"""RDS and Aurora: fail over, restore, change the region that writes.

Where each name is:
    failover.py         rds.failover_cluster     chosen.py         rds.can_fail_over, and who shall write
    instance.py         rds.failover_instance    writable.py       rds.writable
    restore.py          rds.restore_cluster      window.py         rds.can_restore
    delete_restored.py  rds.delete_restored      global_ready.py   rds.global_ready
    global_failover.py  rds.failover_global      switchover.py     rds.switchover_global
    cluster.py, lag.py, global_cluster.py, restored.py: what these ask of AWS
"""
