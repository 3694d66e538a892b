"""AWS Backup jobs: a backup, copy or restore that failed, and the one that worked afterwards.

https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
"""

from collections.abc import Mapping, Sequence

from bot.incident.alarm import Alarm, State
from bot.intake import fields
from bot.intake.message import Message

#: For each kind of job: the field with its id, and the field with what it is about, whose next success ends the alarm.
_JOBS: Mapping[str, tuple[str, str]] = {
    "Backup Job State Change": ("backupJobId", "resourceArn"),
    "Copy Job State Change": ("copyJobId", "resourceArn"),
    "Restore Job State Change": ("restoreJobId", "recoveryPointArn"),
}
_STATES: Mapping[str, State] = {
    "FAILED": "alarm",
    "ABORTED": "alarm",
    "EXPIRED": "alarm",
    "PARTIAL": "alarm",
    "COMPLETED": "ok",
}


def recognises(message: Message) -> bool:
    return message.data.get("source") == "aws.backup" and fields.text(message.data.get("detail-type")) in _JOBS


def parse(message: Message) -> Sequence[Alarm]:
    data, detail = message.data, fields.mapping(message.data.get("detail"))
    job = fields.text(data.get("detail-type"))
    id_field, about_field = _JOBS[job]
    about = fields.text(detail.get(about_field) or detail.get("sourceBackupVaultArn") or detail.get(id_field))
    # A restore job says `status`, except when it is CREATED; the others say `state`.
    progress = fields.text(detail.get("status") or detail.get("state")).upper()
    account, region = fields.text(data.get("account")), fields.text(data.get("region"))
    alarm = Alarm(
        kind="backup",
        fingerprint=fields.fingerprint(account, region, "backup", job.split(" ")[0].lower(), about),
        name=f"{job.removesuffix(' State Change')}: {fields.arn(about).resource or about}",
        # A job under way says nothing yet. percentDone does not either: it can be 0 when the job is COMPLETED.
        state=_STATES.get(progress, "no_data"),
        reason=fields.text(detail.get("statusMessage")).strip('"'),
        account=account,
        region=region,
        arn=about,
        changed_at=fields.moment(data.get("time")),
        resource="backup",
        detail={
            "job": fields.text(detail.get(id_field)),
            "state": progress,
            "resource_type": fields.text(detail.get("resourceType")),
            "vault": fields.text(detail.get("backupVaultName")),
            "created": fields.text(detail.get("createdResourceArn")),
        },
    )
    return (alarm,)
