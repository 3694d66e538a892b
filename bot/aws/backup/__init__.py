"""AWS Backup: what its vaults keep is restored beside what was damaged, tried out now and then, and copied elsewhere in time.

A restore loses what was written since the recovery point was made: it cures corruption and deletion. It is no cure for a
lost region, for which data has to be replicated beforehand.

Where each name is:
    ready.py     backup.recovery_point_ready      the newest point from before a moment, and how old it is
    restore.py   backup.restore_recovery_point    a new table, or a bucket's missing objects
    back_up.py   backup.start_backup              a point of now
    copy.py      backup.copy_recovery_point       a point in another region, before it is needed there
    testing.py   backup.restore_test              does the newest point restore, and how long does it take?
    points.py    what a vault holds              restoring.py   what is asked of a restore job, and how ours is found
"""
