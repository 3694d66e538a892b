"""DynamoDB: restore a table to a moment before the damage, beside the damaged one, and make it fit to take over.

Where each name is:
    window.py    dynamodb.restore_window      can it be restored to that moment?
    restore.py   dynamodb.restore_pitr        restore to a new table     dynamodb.delete_restored  its undo
    reapply.py   dynamodb.reapply_settings    what a restore loses       settings.py, scaling.py   each setting
    from_backup.py, backups.py   dynamodb.restore_backup, dynamodb.backup_ready   from an on-demand backup
    undelete.py  dynamodb.undelete_table, dynamodb.can_undelete, dynamodb.apply_backup_settings
    copy_back.py, undo_copy_back.py   dynamodb.copy_back   items that differ   conditional.py   one of them
    export.py    dynamodb.export_for_diff     a moment's items as files in S3
    restoring.py what every restore shares
    compare.py   dynamodb.compare             what differs between the two tables, item by item
    table.py     what all of them ask of a table
"""
