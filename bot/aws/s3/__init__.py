"""S3: bring deleted objects back, and roll objects back to a moment. No version is ever deleted.

versions.py    what a bucket holds of each key      undelete.py    s3.undelete: remove delete markers
checks.py      s3.can_roll_back, s3.as_of           rollback.py    s3.rollback_prefix: copy earlier versions forward
"""
